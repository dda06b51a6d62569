"""Train emotion classifiers, calibrate and measure them, and write one model directory for the bot.

    python train.py                        both models on the built-in phrases, in about a minute
    python train.py --dataset goemotions   both models for real, in about ten minutes
    python train.py --dataset FILE         both models on your own TSV, CSV or JSONL
    python train.py --model gru            any of rnn, gru, lstm and bilstm; --framework says what trains them
    python train.py --recipe shipped       the models that are shipped: GoEmotions, chat and teachers, in two hours
    python train.py study                  the vanishing gradient, measured; see docs/study.md and study --help

Next to the models stand report.md and its figures. Ctrl-C keeps the best epoch so far; --resume goes on.
"""

from __future__ import annotations

import argparse
import hashlib
import os
import shlex
import sys
from collections.abc import Callable, Mapping, Sequence
from contextlib import suppress
from dataclasses import asdict, replace
from pathlib import Path

import numpy as np
from rich.console import Console
from rich.progress import BarColumn, Progress, TextColumn, TimeElapsedColumn, TimeRemainingColumn, track

from classifiers.calibration import probabilities
from classifiers.classifier import NetworkClassifier
from classifiers.command_line import finish, require, whole_number, writable
from classifiers.emotions import checked_emoji, without_emoji
from classifiers.errors import ClassifiersError, MissingExtraError
from classifiers.model_directory import (
    FILES,
    NAMES,
    Manifest,
    ModelCard,
    invalidate_manifest,
    load_network,
    save_numpy,
    save_tokenizer,
    write_manifest,
)
from classifiers.nn import network
from classifiers.nn.activations import sigmoid
from classifiers.nn.arrays import Array
from classifiers.nn.batching import Examples, count_batches, logits_of
from classifiers.text import Tokenizer
from classifiers.training.datasets import Dataset, Split, load_dataset, overview
from classifiers.training.distillation import TeacherOutputs, apply_temperature, augment, pca
from classifiers.training.evaluation import (
    Chance,
    Metrics,
    against_chance,
    baseline,
    calibrated,
    certainty_on_chat,
    judge,
    measure,
)
from classifiers.training.loop import Epoch, Recipe, Trainable, Training, fit, prior_bias
from classifiers.training.origin import Origin
from classifiers.training.output_folder import checkpoint, prepare, remove_checkpoints, remove_if_empty
from classifiers.training.recipes import choose_recipe
from classifiers.training.report import verdicts, write_report

TEACHER = Recipe(3, 48, 1.5e-4, embedding=384, dropout=0.1, word_dropout=0.0, weight_decay=0.01)
"""For each MiniLM that the shipped recipe learns from; embedding and dropout are those it comes with."""

TEACHERS = 3
"""How many MiniLMs teach, from a seed each: together they are right more often than any of them alone."""

AUGMENTATIONS = 4
"""How many augmented texts the teachers label for each training text."""

ASSISTANT_AUGMENTATIONS = 24
"""How many more augmented texts the trained BiLSTM labels for each, so that smaller networks seldom see one twice.

It is nearly as accurate as the teachers and far quicker: a teacher assistant, as in Mirzadeh and others, "Improved
Knowledge Distillation via Teacher Assistant" (2020).
"""

TEMPERATURE = 1.5
"""The temperature of the targets from which the smaller networks learn: see `distillation.apply_temperature`."""

MAX_WORDS, MIN_COUNT, MAX_TOKENS = 20_000, 2, 64


def main(argv: Sequence[str] | None = None) -> int:
    """Run the command line; returns the exit status."""
    words = sys.argv[1:] if argv is None else argv
    if words[:1] == ["study"]:
        from classifiers.study import experiments as study  # noqa: PLC0415 - it loads Matplotlib, which takes a while

        return study.main(words[1:])
    return finish(lambda: _main(words))


def _main(words: Sequence[str]) -> int:
    arguments = _parser().parse_args(words)
    try:
        return run(arguments, writable(shlex.join(["python", "train.py", *words])))
    except KeyboardInterrupt:
        print("Stopped; go on with the same command and --resume.")
        return 130


def run(arguments: argparse.Namespace, command: str) -> int:
    """Train, calibrate, measure and write as the parsed arguments say; returns the exit status."""
    shipped = arguments.recipe == "shipped"
    if shipped and (arguments.embedding or 0) > TEACHER.embedding:
        raise ClassifiersError(
            f"Word vectors that start from the teacher have at most its {TEACHER.embedding} features: "
            f"give --embedding {TEACHER.embedding} or less."
        )
    if shipped and "bilstm" not in arguments.models:
        raise ClassifiersError(
            "The other networks of the shipped recipe learn from its BiLSTM: "
            f"give --model {shlex.join(arguments.models)} bilstm."
        )
    _require_extras(arguments)
    dataset = _load(arguments)
    emoji = _emoji(arguments, dataset)
    out = arguments.out or Path("models") / dataset.name
    prepare(out, arguments.models, arguments.resume, arguments.overwrite)
    tokenizer = Tokenizer.fit(dataset.train.texts, MAX_WORDS, MIN_COUNT, MAX_TOKENS)
    train, dev = _encoded(dataset.train, tokenizer), _encoded(dataset.dev, tokenizer)
    console = Console(markup=False, emoji=False)  # names of data sets, labels and folders are no markup
    for line in [*overview(dataset), *_mute(dataset, emoji)]:
        console.print(line, highlight=False)
    vectors = None
    if shipped:
        outputs = _teacher_outputs(dataset, tokenizer, out, console)
        train, vectors = _distilled(dataset, tokenizer, outputs), outputs.vectors
    trainings: dict[str, Training] = {}
    recipes = {name: _recipe(name, dataset, arguments) for name in FILES if name in arguments.models}
    # Under teachers the largest learns first, for the others to learn from it.
    for name in sorted(recipes, key="bilstm".__ne__) if shipped else recipes:
        recipe = recipes[name]
        framework = _framework(name, arguments)
        trainer, export = _build(name, framework, recipe, len(tokenizer), vectors, dataset, out)
        origin = Origin.of(dataset, train.sequences, framework)
        training = _fit_with_progress(NAMES[name], trainer, train, dev, recipe, dataset, origin, out, console)
        if training.epochs:
            if not trainings:
                invalidate_manifest(out)
                save_tokenizer(tokenizer, out)
            trainings[name] = training
            (out / f"{name}.keras").unlink(missing_ok=True)  # else NumPy would leave an earlier training's there
            export()
        if training.interrupted:
            break
        if shipped and name == "bilstm" and len(recipes) > 1:
            train = _with_assistant(dataset, tokenizer, train, out, console)
    if not trainings:
        console.print("Stopped before the first epoch was finished, so nothing is written.")
        remove_if_empty(out)
        return 130
    trainings = {name: trainings[name] for name in recipes if name in trainings}
    _measure_and_write(dataset, tokenizer, recipes, trainings, emoji, command, out, console)
    if any(training.interrupted for training in trainings.values()) or len(trainings) < len(recipes):
        console.print("Stopped; the best epoch so far is kept. Go on with the same command and --resume.")
        return 130
    remove_checkpoints(out)
    return 0


def _measure_and_write(
    dataset: Dataset,
    tokenizer: Tokenizer,
    recipes: dict[str, Recipe],
    trainings: dict[str, Training],
    emoji: dict[str, str],
    command: str,
    out: Path,
    console: Console,
) -> None:
    """Calibrate on dev and measure on test, with the very files that are written."""
    cards: dict[str, ModelCard] = {}
    metrics: dict[str, Metrics] = {}
    scores: dict[str, Array] = {}
    chances: dict[str, Chance] = {}
    for name, training in trainings.items():
        run_network = load_network(name, out)
        dev_logits, test_logits = (
            logits_of(run_network, _encoded(split, tokenizer).sequences) for split in (dataset.dev, dataset.test)
        )
        chosen = calibrated(dev_logits, dataset)
        temperature, thresholds = chosen.temperature, chosen.thresholds
        classifier = NetworkClassifier(
            run_network, tokenizer, dataset.labels, tuple(thresholds.tolist()), temperature, 0.0, dataset.multi_label
        )
        scores[name] = probabilities(test_logits, temperature, dataset.multi_label)
        metrics[name] = measure(scores[name], dataset.test.targets, thresholds, dataset.labels)
        chances[name] = against_chance(scores[name], dataset)
        figures = asdict(metrics[name])
        del figures["label_f1"], figures["rows"]
        cards[name] = ModelCard(
            embedding=recipes[name].embedding,
            parameters=sum(array.size for key, array in training.best.items() if key.startswith("network/")),
            epochs=training.best_epoch.number,
            temperature=temperature,
            thresholds=classifier.thresholds,
            certainty=certainty_on_chat(classifier),
            test=figures,
        )
        console.print(
            f"{NAMES[name]} on test: macro-F1 {metrics[name].macro_f1:.3f}, micro-F1 {metrics[name].micro_f1:.3f}, "
            f"top-1 {metrics[name].top1:.3f} (epoch {training.best_epoch.number}, temperature {temperature:.2f})"
        )
    manifest = Manifest(
        command=command,
        dataset=dataset.name,
        dataset_sha256=dataset.sha256,
        labels=dataset.labels,
        multi_label=dataset.multi_label,
        max_tokens=tokenizer.max_tokens,
        models=cards,
        emoji=emoji,
    )
    write_manifest(out, manifest)
    reference = baseline(dataset)
    for verdict in verdicts(metrics, reference, chances):
        console.print(verdict, highlight=False)
    write_report(
        out,
        dataset=dataset,
        histories={name: training.epochs for name, training in trainings.items()},
        metrics=metrics,
        scores=scores,
        command=command,
        baseline=reference,
        chances=chances,
    )
    compare = shlex.join(["python", "-m", "classifiers", "compare", "--models", str(out), "your text"])
    console.print(f"Written to {out}. Compare them: {compare}", highlight=False, soft_wrap=True)


def _fit_with_progress(
    title: str,
    trainer: Trainable,
    train: Examples,
    dev: Examples,
    recipe: Recipe,
    dataset: Dataset,
    origin: Origin,
    out: Path,
    console: Console,
) -> Training:
    """`fit` behind a progress bar with loss, dev score and time left."""
    columns = (
        TextColumn("{task.description}"),
        BarColumn(),
        TextColumn("loss {task.fields[loss]:.4f}, dev macro-F1 {task.fields[score]:.3f}"),
        TimeElapsedColumn(),
        TextColumn("left"),
        TimeRemainingColumn(),
    )
    steps = count_batches(train, recipe.batch_size)
    with Progress(*columns, console=console) as progress:
        task = progress.add_task(title, total=recipe.epochs * steps, loss=np.nan, score=np.nan)
        seen = 0

        def on_batch(number: int, loss: float) -> None:
            nonlocal seen
            seen = seen % steps + 1
            progress.update(
                task,
                description=f"{title} epoch {number}/{recipe.epochs}",
                completed=(number - 1) * steps + seen,
                loss=loss,
            )

        def on_epoch(epoch: Epoch) -> None:
            progress.update(task, score=epoch.score)

        training = fit(trainer, train, dev, recipe, judge(dataset), origin, checkpoint(out, title), on_batch, on_epoch)
    if len(training.epochs) < recipe.epochs and not training.interrupted:
        console.print(f"{title}: ended early, since dev has got no better for {recipe.patience} epochs.")
    return training


def _emoji(arguments: argparse.Namespace, dataset: Dataset) -> dict[str, str]:
    """The emoji that the command line gives to labels.

    Raises:
        ClassifiersError: one is for no emotion of the data set, or is none.
    """
    try:
        return checked_emoji(dict(arguments.emoji), dataset.labels)
    except ValueError as error:
        raise ClassifiersError(f"--emoji: {error}.") from None


def _mute(dataset: Dataset, emoji: Mapping[str, str]) -> list[str]:
    """A line on the labels to which the bot would never react, if there are any."""
    mute = without_emoji(dataset.labels, emoji)
    if not mute:
        return []
    return [
        f"The bot will not react to {', '.join(mute)}, for which there is no emoji: give each one, as with "
        f"--emoji {shlex.quote(mute[0])}=😊, or later in the manifest or by /settings."
    ]


def _require_extras(arguments: argparse.Namespace) -> None:
    """Find out before the training whether all is there that it will need in the end.

    Raises:
        MissingExtraError: something is not installed.
    """
    frameworks = {_framework(name, arguments) for name in arguments.models}
    require("Training", "train", "scipy", "sklearn")
    if "keras" in frameworks:
        require("Training with Keras", "train", "keras", "tensorflow")
    if "bilstm" in arguments.models:
        require("Writing the BiLSTM", "train", "onnx")


def _framework(name: str, arguments: argparse.Namespace) -> str:
    return arguments.framework or ("keras" if name == "bilstm" else "numpy")


def _load(arguments: argparse.Namespace) -> Dataset:
    """The data set to train on; for the shipped recipe GoEmotions with the training part of chat behind its own."""
    if arguments.recipe != "shipped":
        own = load_dataset(arguments.dataset, text_column=arguments.text_column, label_column=arguments.label_column)
        return replace(own, name=writable(own.name))
    goemotions, chat = load_dataset("goemotions"), load_dataset("chat")
    train = Split(
        goemotions.train.texts + chat.train.texts, np.concatenate([goemotions.train.targets, chat.train.targets])
    )
    return replace(goemotions, name="goemotions+chat", train=train, sha256=f"{goemotions.sha256}+{chat.sha256}")


def _teacher_outputs(dataset: Dataset, tokenizer: Tokenizer, out: Path, console: Console) -> TeacherOutputs:
    """Return the teachers' combined outputs for the training texts, the augmented ones and each word.

    The outputs of each teacher are cached beyond the run, so that another seed or a changed network needs no teacher.
    """
    teachers = []
    texts, words = (1 + AUGMENTATIONS) * len(dataset.train), len(tokenizer.words)
    for seed in range(TEACHERS):
        recipe = replace(TEACHER, seed=seed)
        cache = _outputs_file(dataset, tokenizer, recipe)
        outputs = TeacherOutputs.load(cache, texts, len(dataset.labels), words)
        if outputs:
            console.print(f"Teacher {seed + 1} has run before: its outputs are read from {cache}.")
        else:
            outputs = _run_teacher(recipe, dataset, tokenizer, out, console)
            outputs.save(cache)
        teachers.append(outputs)
    return TeacherOutputs.combined(teachers)


def _run_teacher(recipe: Recipe, dataset: Dataset, tokenizer: Tokenizer, out: Path, console: Console) -> TeacherOutputs:
    """Fine-tune a MiniLM and return its outputs.

    Raises:
        KeyboardInterrupt: after Ctrl-C; the outputs of a half-trained teacher are of no use.
    """
    try:
        from classifiers.training.teacher import Teacher, fastest_device, minilm  # noqa: PLC0415 - PyTorch takes seconds to load

        encoder = minilm()
    except ImportError:
        raise MissingExtraError("Learning from a teacher", "distill") from None
    bias = prior_bias(dataset.train.targets, dataset.multi_label)
    teacher = Teacher(bias, recipe, encoder, fastest_device())
    train, dev = (Examples(teacher.encode(split.texts), split.targets) for split in (dataset.train, dataset.dev))
    title = f"Teacher {recipe.seed + 1}"
    origin = Origin.of(dataset, train.sequences, "teacher")
    if _fit_with_progress(title, teacher, train, dev, recipe, dataset, origin, out, console).interrupted:
        raise KeyboardInterrupt
    console.print(f"{title} labels all training texts, the augmented ones and all words: some minutes.")
    return TeacherOutputs(
        teacher.logits([*train.sequences, *teacher.encode(_augmented(dataset))]), teacher.vectors(tokenizer.words)
    )


def _distilled(dataset: Dataset, tokenizer: Tokenizer, outputs: TeacherOutputs) -> Examples:
    """Return the training texts and the augmented ones with the teachers' probabilities as targets."""
    texts = [*dataset.train.texts, *_augmented(dataset)]
    return Examples([tokenizer.encode(text) for text in texts], sigmoid(outputs.logits))


def _with_assistant(
    dataset: Dataset, tokenizer: Tokenizer, distilled: Examples, out: Path, console: Console
) -> Examples:
    """Return `distilled` and further augmented texts labelled by the BiLSTM in `out`, all targets at `TEMPERATURE`."""
    assistant = load_network("bilstm", out)
    rng = np.random.default_rng(1)  # for other texts than those of `_augmented`
    sequences, targets = [*distilled.sequences], [apply_temperature(distilled.targets, TEMPERATURE)]
    for _ in track(range(ASSISTANT_AUGMENTATIONS), "The BiLSTM labels further texts", console=console):
        augmented = [tokenizer.encode(text) for text in augment(dataset.train.texts, rng)]
        sequences += augmented
        targets.append(sigmoid(logits_of(assistant, augmented) / TEMPERATURE))
    return Examples(sequences, np.concatenate(targets))


def _augmented(dataset: Dataset) -> list[str]:
    """Return `AUGMENTATIONS` augmented texts for each training text, the same ones each time."""
    rng = np.random.default_rng(0)
    return [text for _ in range(AUGMENTATIONS) for text in augment(dataset.train.texts, rng)]


def _outputs_file(dataset: Dataset, tokenizer: Tokenizer, recipe: Recipe) -> Path:
    """Return the path of a teacher's cached outputs; its name changes with whatever the outputs depend on."""
    try:
        import pooch  # noqa: PLC0415 - the other recipe does without
    except ImportError:
        raise MissingExtraError("Learning from a teacher", "distill") from None
    teacher = Path(__file__).parent / "classifiers" / "training" / "teacher.py"
    parts = (dataset.sha256, recipe, tokenizer.words, _augmented(dataset), teacher.read_text())
    digest = hashlib.sha256(repr(parts).encode()).hexdigest()
    return Path(pooch.os_cache("emobot")) / f"teacher-outputs-{digest[:16]}.safetensors"


def _build(
    name: str, framework: str, recipe: Recipe, vocabulary: int, vectors: Array | None, dataset: Dataset, out: Path
) -> tuple[Trainable, Callable[[], None]]:
    """The network in training, and the function that writes its files once it is trained."""
    rng = np.random.default_rng(recipe.seed)
    start = network.build(name, vocabulary, recipe.embedding, len(dataset.labels), rng, recipe.dropout)
    if vectors is not None:
        start.layers[0].params["embeddings"][-len(vectors) :] = pca(vectors, recipe.embedding)
    start.layers[-1].params["bias"] = prior_bias(dataset.train.targets, dataset.multi_label)
    save = _saver(name, out)
    if framework == "numpy":
        return network.Trainer(start, recipe, dataset.multi_label), lambda: save(start.params)
    try:
        from classifiers.training import keras_backend as keras_models  # noqa: PLC0415 - TensorFlow takes seconds to load, and NumPy needs none
    except ImportError:
        raise MissingExtraError("Training with Keras", "train") from None
    model = keras_models.build(name, vocabulary, recipe.embedding, len(dataset.labels), recipe.dropout, recipe.seed)
    keras_models.load(model, start.params)

    def export() -> None:
        model.save(out / f"{name}.keras")
        save(keras_models.params(model))

    return keras_models.Trainer(model, recipe, dataset.multi_label), export


def _saver(name: str, out: Path) -> Callable[[Mapping[str, Array]], None]:
    """The function that writes a network's parameters as the file that is served, whatever trained them."""
    if name != "bilstm":
        return lambda params: save_numpy(name, params, out)
    try:
        from classifiers.training import onnx_export  # noqa: PLC0415 - the other networks do without
    except ImportError:
        raise MissingExtraError("Writing the BiLSTM", "train") from None
    return lambda params: onnx_export.save_bilstm(params, out / FILES[name])


def _recipe(name: str, dataset: Dataset, arguments: argparse.Namespace) -> Recipe:
    """The data set's recipe, with what the command line changes."""
    recipe = choose_recipe(name, dataset, arguments.recipe == "shipped", arguments.batch_size)
    if arguments.epochs is not None:  # all of them are wanted
        recipe = replace(recipe, patience=None)
    given = {key: getattr(arguments, key) for key in asdict(recipe) if getattr(arguments, key, None) is not None}
    return replace(recipe, **given)


def _encoded(split: Split, tokenizer: Tokenizer) -> Examples:
    return Examples([tokenizer.encode(text) for text in split.texts], split.targets)


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter, allow_abbrev=False
    )
    data = parser.add_argument_group("what to learn from")
    data.add_argument(
        "--dataset",
        default="builtin",
        metavar="NAME|FILE",
        help="builtin (default), goemotions (downloaded, or read from $EMOBOT_DATA_DIR/goemotions), "
        "or a .tsv, .csv or .jsonl file",
    )
    data.add_argument(
        "--recipe",
        choices=("plain", "shipped"),
        default="plain",
        help="plain (default): learn the labels of the data set; shipped: learn from GoEmotions, from chat and from "
        "fine-tuned MiniLMs, whatever --dataset says, and the smaller networks from the BiLSTM too (needs the distill "
        "extra)",
    )
    data.add_argument(
        "--text-column",
        default="text",
        metavar="NAME",
        help="column of a file that holds the text, or its number if the first line is no header (default: text)",
    )
    data.add_argument(
        "--label-column",
        default="label",
        metavar="NAME",
        help="column that holds the label or labels, or its number (default: label)",
    )
    data.add_argument(
        "--emoji",
        type=_labelled_emoji,
        action="append",
        default=[],
        metavar="LABEL=EMOJI",
        help="the emoji with which the bot reacts to a label, as happy=😊; once for each label (default: those of the "
        "27 emotions of GoEmotions, none for others)",
    )
    how = parser.add_argument_group("how to train (defaults depend on the data set)")
    how.add_argument(
        "--model",
        dest="models",
        nargs="+",
        choices=list(FILES),
        default=["rnn", "bilstm"],
        metavar="NAME",
        help="rnn, gru, lstm or bilstm, or several of them (default: rnn bilstm)",
    )
    how.add_argument(
        "--framework",
        choices=("numpy", "keras"),
        help="our own layers in numpy, or keras (default: keras for the BiLSTM, numpy for the others)",
    )
    how.add_argument("--epochs", type=whole_number(1, 100_000), metavar="N", help="how often every text is seen")
    how.add_argument(
        "--batch-size", type=whole_number(1, 100_000), metavar="N", help="texts for each update of the weights"
    )
    how.add_argument("--learning-rate", type=_rate, metavar="R", help="peak of the learning rate")
    how.add_argument("--embedding", type=whole_number(1, 4096), metavar="N", help="size of the word vectors")
    how.add_argument("--dropout", type=_share, metavar="R", help="share of features silenced in training, 0 to 0.9")
    how.add_argument(
        "--seed",
        type=whole_number(0, 2**32 - 1),  # Keras takes no larger one
        metavar="N",
        help="the same seed gives the same NumPy weights on the same machine (default: 0)",
    )
    where = parser.add_argument_group("where to")
    where.add_argument("--out", type=Path, metavar="DIR", help="model directory to write (default: models/NAME)")
    exclusive = where.add_mutually_exclusive_group()
    exclusive.add_argument("--resume", action="store_true", help="go on with a training that was stopped")
    exclusive.add_argument("--overwrite", action="store_true", help="replace the models in the folder")
    return parser


def _labelled_emoji(text: str) -> tuple[str, str]:
    label, equals, emoji = text.rpartition("=")
    if not equals:
        raise argparse.ArgumentTypeError(f"{text[:40]!r} is not a label with its emoji, as happy=😊")
    return label.strip(), emoji.strip()


def _rate(text: str) -> float:
    return _checked(text, lambda number: 0 < number < 10, "a number above 0 and below 10")


def _share(text: str) -> float:
    return _checked(text, lambda number: 0 <= number <= 0.9, "a number from 0 to 0.9")


def _checked(text: str, good: Callable[[float], bool], wanted: str) -> float:
    with suppress(ValueError):
        number = float(text)
        if good(number):
            return number
    raise argparse.ArgumentTypeError(f"{text[:40]!r} is not {wanted}")


if __name__ == "__main__":
    os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")
    sys.exit(main())

"""Execute a training run: turn options into a model directory with trained, calibrated and measured networks."""

from __future__ import annotations

import os
import shlex
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import asdict, dataclass, field, replace
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import TYPE_CHECKING

import numpy as np

from classifiers.acceptance import neighbours_in, shares_of
from classifiers.calibration import probabilities
from classifiers.classifier import MINIMUM_CERTAINTY, NetworkClassifier
from classifiers.emotions import LABELS, listed, without_emoji
from classifiers.errors import WorkerLostError, counted
from classifiers.files import naming
from classifiers.memory import release_unused
from classifiers.model_directory import (
    NAMES,
    Manifest,
    ModelCard,
    invalidate_manifest,
    load_models,
    load_network,
    save_tokenizer,
    write_manifest,
)
from classifiers.nn.activations import sigmoid
from classifiers.nn.arrays import Array
from classifiers.nn.batching import Examples, count_batches, logits_of
from classifiers.nn.initializers import prior_bias
from classifiers.text import Tokenizer
from classifiers.training.backends import (
    Setup,
    choose_frameworks,
    connect_workers,
    create_trainer,
    initial_network,
)
from classifiers.training.cluster import Cluster, read_cluster
from classifiers.training.corpus import (
    encode,
    fit_tokenizer,
    repeated,
    rows_without_people,
    text_sources,
    texts_for_assistant,
    texts_for_teachers,
)
from classifiers.training.datasets import Dataset, load_dataset, load_unlabelled, overview
from classifiers.training.distillation import TeacherOutputs, with_assistant_targets, with_teacher_targets
from classifiers.training.evaluation import (
    Metrics,
    bag_of_words,
    baseline,
    calibrated,
    choose_reaction_certainty,
    compare_with_chance,
    evaluator,
    measure,
)
from classifiers.training.history import History
from classifiers.training.loop import Job, Trainable, fit
from classifiers.training.options import (
    ASSISTANT,
    Options,
    check_initial_models,
    check_options,
    emoji_by_label,
    load_data,
    load_shards,
    recipe_for,
)
from classifiers.training.origin import Origin
from classifiers.training.output_folder import (
    CHECKPOINTS,
    checkpoint,
    has_checkpoint,
    prepare,
    remove_checkpoints,
    remove_if_empty,
)
from classifiers.training.output_layer import refit
from classifiers.training.progress import NullReporter, Reporter
from classifiers.training.recipes import Distillation, Recipe, Refit
from classifiers.training.report import BAG_OF_WORDS, BASELINE, Baselines, NetworkResult, verdicts, write_report
from classifiers.training.teacher_ensemble import TeacherEnsemble
from classifiers.training.warm_start import load_initial_weights

if TYPE_CHECKING:
    from classifiers.training.distributed import Workers
    from classifiers.training.shards import Shards


@dataclass(frozen=True, slots=True)
class Outcome:
    """The outcome of a run.

    Attributes:
        folder: the model directory.
        written: the networks in it; empty if Ctrl-C came before the end of the first epoch, or if another process
            writes them.
        complete: whether all of them were trained to the end.
        lost: whether another process that trained with this one was lost, so that this one has to restart.
    """

    folder: Path
    written: tuple[str, ...]
    complete: bool
    lost: bool = False


@dataclass(frozen=True, slots=True)
class TrainedNetwork:
    """One trained network, calibrated on dev and measured on test.

    Attributes:
        card: its entry in the manifest.
        result: its results for the report.
    """

    card: ModelCard
    result: NetworkResult


def run(options: Options, reporter: Reporter) -> Outcome:
    """Train, measure and write the networks in the options, together with other processes if TF_CONFIG says so.

    Raises:
        ClassifiersError: an option, the data or the folder cannot be used, or something is not installed.
        KeyboardInterrupt: Ctrl-C while the teachers or the assistant were being trained or used; checkpoints are kept.
    """
    cluster = read_cluster(os.environ)
    if cluster is None or cluster.is_chief:
        return _run(options, reporter, cluster)
    reporter.say(
        f"Worker {cluster.index} of {cluster.count} is training; the chief reports progress and writes the models."
    )
    with TemporaryDirectory() as folder:
        return _run(replace(options, out=Path(folder), resume=False, overwrite=False), NullReporter(), cluster)


def _run(options: Options, reporter: Reporter, cluster: Cluster | None) -> Outcome:
    current = Run.prepare(options, reporter, cluster)
    try:
        if cluster:
            current.join(cluster)
        current.train()
    except WorkerLostError:
        return Outcome(current.folder, (), complete=False, lost=True)
    if cluster and not cluster.is_chief:
        return Outcome(current.folder, (), current.complete)
    if not current.histories:
        remove_if_empty(current.folder)
        return Outcome(current.folder, (), complete=False)
    finished = current.measure()
    current.write(finished)
    if current.complete:
        remove_checkpoints(current.folder)
    return Outcome(current.folder, tuple(finished), current.complete)


@dataclass(slots=True)
class Run:
    """The state of one training run.

    Attributes:
        command: the command line.
        reporter: shows the progress.
        dataset: the data set for training, choosing and measuring.
        emoji: the emoji of labels, for the manifest.
        folder: the model directory.
        tokenizer: the tokenizer, with the vocabulary of the training texts.
        recipes: the recipe of each network to be trained, in the order in which models are shown.
        frameworks: the framework of each network to be trained.
        distillation: how to learn from teachers; None to learn the labels of the data set.
        encoder: a folder with the encoder from which the teachers start; None to download it.
        start_from: a model directory with the initial weights of the networks; None for random weights.
        people: the messages on which the certainty for reactions is chosen; None if the data set has other labels.
        dev: the dev split as token numbers.
        histories: the history of each network that has finished an epoch.
        workers: the processes that train together; None if this one trains alone.
        shards: the training texts, instead of the data set's; None to use these.
    """

    command: str
    reporter: Reporter
    dataset: Dataset
    emoji: Mapping[str, str]
    folder: Path
    tokenizer: Tokenizer
    recipes: Mapping[str, Recipe]
    frameworks: Mapping[str, str]
    distillation: Distillation | None
    encoder: Path | None
    start_from: Path | None
    people: Dataset | None
    dev: Examples
    histories: dict[str, History] = field(default_factory=dict)
    workers: Workers | None = None
    shards: Shards | None = None

    @classmethod
    def prepare(cls, options: Options, reporter: Reporter, cluster: Cluster | None = None) -> Run:
        """Check the options, load the data, prepare the folder, and report the sizes of the data.

        Raises:
            ClassifiersError: an option, the data or the folder cannot be used, or something is not installed.
        """
        check_options(options, cluster)
        frameworks = choose_frameworks(options.networks, "keras" if cluster or options.shards else options.framework)
        dataset = load_data(options)
        emoji = emoji_by_label(options, dataset)
        folder = options.out or Path("models") / dataset.name
        tokenizer = fit_tokenizer(dataset)
        shards = load_shards(options, dataset, tokenizer, cluster)
        texts = len(shards) if shards else None
        recipes = {name: recipe_for(name, options, dataset, texts) for name in options.networks}
        check_initial_models(options, folder, recipes, dataset)
        restarted = cluster is not None and not options.overwrite and has_checkpoint(folder)  # after a process was lost
        prepare(folder, options.networks, options.resume or restarted, options.overwrite)
        if options.resume and not has_checkpoint(folder):
            reporter.say(f"Nothing to resume in {folder}: starting from the beginning.")
        for line in [*overview(dataset), *_labels_without_emoji(dataset, emoji), *_shards_overview(shards)]:
            reporter.say(line)
        return cls(
            command=options.command,
            reporter=reporter,
            dataset=dataset,
            emoji=emoji,
            folder=folder,
            tokenizer=tokenizer,
            recipes=recipes,
            frameworks=frameworks,
            distillation=options.distillation,
            encoder=options.encoder,
            start_from=options.start,
            people=load_dataset("people") if dataset.labels == LABELS else None,
            dev=encode(dataset.dev, tokenizer),
            shards=shards,
        )

    @property
    def complete(self) -> bool:
        """Whether all networks were trained to the end."""
        interrupted = any(history.interrupted for history in self.histories.values())
        return len(self.histories) == len(self.recipes) and not interrupted

    def join(self, cluster: Cluster) -> None:
        """Wait for all processes of a cluster, and get the chief's checkpoints.

        Raises:
            ClassifiersError: one of them was started with different options or data.
            WorkerLostError: one was lost again.
        """
        self.reporter.say(f"Waiting until all {cluster.count} workers are there.")
        self.workers = connect_workers(cluster)
        shards = self.shards.fingerprint if self.shards else ""
        self.workers.agree("data or options", f"{self.dataset.sha256} {self.recipes} {shards}")
        self.workers.send_files(self.folder / CHECKPOINTS)

    def train(self) -> None:
        """Train all networks and write each one's files; end early after Ctrl-C."""
        if self.distillation:
            self._learn_from_teachers(self.distillation)
        else:
            self._train_each(self.recipes, encode(self.dataset.train, self.tokenizer))

    def measure(self) -> dict[str, TrainedNetwork]:
        """Calibrate each trained network on dev and measure it on test, from the files that were written."""
        release_unused()  # training needed some 10 MB that the baselines would need anew
        return {name: self._measure(name) for name in self.recipes if name in self.histories}

    def write(self, finished: Mapping[str, TrainedNetwork]) -> None:
        """Write the manifest and the report; report how the networks compare with the baselines and with chance."""
        dataset = self.dataset
        manifest = Manifest(
            command=self.command,
            dataset=dataset.name,
            dataset_sha256=dataset.sha256,
            labels=dataset.labels,
            multi_label=dataset.multi_label,
            max_tokens=self.tokenizer.max_tokens,
            models={name: each.card for name, each in finished.items()},
            emoji=dict(self.emoji),
            neighbours=self._neighbours(),
        )
        write_manifest(self.folder, manifest)
        networks = {name: each.result for name, each in finished.items()}
        words, reference = bag_of_words(dataset, self.tokenizer), baseline(dataset)
        self._report_metrics(BAG_OF_WORDS, words.metrics, "which words, without their order")
        self._report_metrics(BASELINE, reference, "words, pairs of words and parts of words")
        for verdict in verdicts(networks, reference):
            self.reporter.say(verdict)
        with naming(self.folder):
            write_report(self.folder, dataset, self.command, networks, Baselines(words, reference))

    def _learn_from_teachers(self, distillation: Distillation) -> None:
        """Train the assistant on the teachers' targets, then the other networks on its targets as well."""
        unlabelled = load_unlabelled()
        texts = texts_for_teachers(self.dataset.train.texts, unlabelled, distillation.augmentations)
        train, people = len(self.dataset.train), len(self.people.train) if self.people else 0
        others_than_people = rows_without_people(train, people, len(unlabelled), distillation.augmentations)
        teachers = TeacherEnsemble(self.dataset, distillation, self._fit, self.reporter, self.encoder)
        outputs = teachers.outputs(texts, self.tokenizer.words)
        if self.start_from:
            outputs = self._with_earlier_model(self.start_from, outputs, texts, others_than_people)
        of_people = np.setdiff1d(np.arange(len(texts)), others_than_people)
        examples = repeated(
            with_teacher_targets(texts, outputs, self.tokenizer), of_people, distillation.people_repeats
        )
        others = [name for name in self.recipes if name != ASSISTANT]
        if self._train_each([ASSISTANT], examples, outputs.vectors) and others:
            originals = [*self.dataset.train.texts, *unlabelled]
            self._train_each(others, self._with_assistant_targets(examples, originals, distillation), outputs.vectors)
        if self.complete:
            for name in distillation.refitted:
                self._refit_output_layer(name, distillation.refit)

    def _with_earlier_model(
        self, earlier: Path, outputs: TeacherOutputs, texts: Sequence[str], rows: Array
    ) -> TeacherOutputs:
        """Return the teachers' outputs, averaged in some rows with those of the BiLSTM from which training starts.

        The rows are those of GoEmotions and chat, since an earlier model knew no messages of people.
        """
        return outputs.averaged(rows, load_models(earlier)[ASSISTANT].scores([texts[row] for row in rows]))

    def _with_assistant_targets(
        self, examples: Examples, originals: Sequence[str], distillation: Distillation
    ) -> Examples:
        times = distillation.assistant_augmentations
        further = texts_for_assistant(originals, times)
        return with_assistant_targets(
            examples,
            self.reporter.track(further, times, "The BiLSTM labels further texts"),
            load_network(ASSISTANT, self.folder),
            self.tokenizer,
            distillation.temperature,
        )

    def _refit_output_layer(self, name: str, by_dataset: Mapping[str, Refit]) -> None:
        """Fit a trained network's output layer to the labels of the training texts, and write its files again."""
        self.reporter.say(f"{NAMES[name]}: the output layer is fitted to the labels.")
        dataset, recipe = self.dataset, self.recipes[name]
        network = initial_network(name, recipe, len(self.tokenizer), np.zeros(len(dataset.labels), np.float32))
        network.load(self.histories[name].best_weights)
        temperature = calibrated(network.logits(self.dev.sequences), dataset).temperature
        output, examples = network.layers[-1], encode(dataset.train, self.tokenizer)
        kernel, bias = (output.params[part] / np.float32(temperature) for part in ("kernel", "bias"))
        features = logits_of(network.features, examples.sequences)
        counts = [(by_dataset[source].weight, by_dataset[source].kept) for source in text_sources()]
        weights, kept = np.array(counts, np.float32).T[..., None]
        targets = kept * sigmoid(features @ kernel + bias) + (1 - kept) * examples.targets
        output.params["kernel"], output.params["bias"] = refit(kernel, bias, features, targets, weights)
        _, export = create_trainer(self._setup(name), network)
        export()

    def _train_each(self, names: Iterable[str], examples: Examples, vectors: Array | None = None) -> bool:
        """Train the networks one after another; return whether none was interrupted."""
        return not any(self._train(name, examples, vectors).interrupted for name in names)

    def _setup(self, name: str) -> Setup:
        return Setup(name, self.frameworks[name], self.recipes[name], self.dataset.multi_label, self.folder)

    def _train(self, name: str, examples: Examples, vectors: Array | None) -> History:
        """Train one network and write its files, unless it was interrupted in its first epoch."""
        dataset, recipe, framework = self.dataset, self.recipes[name], self.frameworks[name]
        bias = prior_bias(dataset.train.targets, dataset.multi_label)
        start = initial_network(name, recipe, len(self.tokenizer), bias, vectors)
        if self.start_from:
            load_initial_weights(self.start_from, name, start, self.tokenizer.words, vectors)
        trainer, export = create_trainer(self._setup(name), start, self.workers, self.shards)
        history = self._fit(NAMES[name], trainer, examples, self.dev, recipe, framework)
        if history.epochs:
            if not self.histories:
                invalidate_manifest(self.folder)
                save_tokenizer(self.tokenizer, self.folder)
            self.histories[name] = history
            (self.folder / f"{name}.keras").unlink(missing_ok=True)  # of an earlier run; NumPy does not replace it
            export()
        return history

    def _fit(
        self, title: str, network: Trainable, train: Examples, dev: Examples, recipe: Recipe, framework: str
    ) -> History:
        """Train a network or a teacher, with progress reports and a checkpoint in the folder."""
        origin = Origin.of(self.dataset, train.sequences, framework)
        if self.shards:
            origin = replace(origin, tokens=self.shards.fingerprint)
        job = Job(train, dev, recipe, evaluator(self.dataset), origin, checkpoint(self.folder, title))
        steps = count_batches(self.shards or train, recipe.batch_size)
        with self.reporter.bar(title, recipe.epochs, steps, self.dataset.dev_name) as bar:
            history = fit(network, job, bar)
        if len(history.epochs) < recipe.epochs and not history.interrupted:
            self.reporter.say(
                f"{title}: ended early, since the loss on {self.dataset.dev_name} has got no better for "
                f"{recipe.patience} epochs."
            )
        return history

    def _measure(self, name: str) -> TrainedNetwork:
        dataset, history = self.dataset, self.histories[name]
        network = load_network(name, self.folder)
        dev_logits = logits_of(network, self.dev.sequences)
        test_logits = logits_of(network, encode(dataset.test, self.tokenizer).sequences)
        chosen = calibrated(dev_logits, dataset)
        classifier = NetworkClassifier(
            network,
            self.tokenizer,
            dataset.labels,
            tuple(chosen.thresholds.tolist()),
            chosen.temperature,
            0.0,
            dataset.multi_label,
            shares=shares_of(self._neighbours(), dataset.labels),
        )
        scores = probabilities(test_logits, chosen.temperature, dataset.multi_label)
        metrics = measure(scores, dataset.test.targets, chosen.thresholds, dataset.labels)
        figures = asdict(metrics)
        del figures["label_f1"], figures["rows"]
        card = ModelCard(
            embedding=self.recipes[name].embedding,
            parameters=sum(array.size for array in history.best_weights.values()),
            epochs=history.best_epoch.number,
            temperature=chosen.temperature,
            thresholds=classifier.thresholds,
            certainty=self._reaction_certainty(classifier),
            test=figures,
        )
        self._report_metrics(NAMES[name], metrics, f"epoch {card.epochs}, temperature {card.temperature:.2f}")
        return TrainedNetwork(
            card, NetworkResult(history.epochs, metrics, scores, compare_with_chance(scores, dataset))
        )

    def _report_metrics(self, title: str, metrics: Metrics, remark: str) -> None:
        self.reporter.say(
            f"{title} on test: macro-F1 {metrics.macro_f1:.3f}, micro-F1 {metrics.micro_f1:.3f}, "
            f"top-1 {metrics.top1:.3f} ({remark})"
        )

    def _neighbours(self) -> dict[str, dict[str, float]]:
        """Return how often readers accept labels together, from people's training part; empty for other labels."""
        return neighbours_in(self.people.train.targets, self.people.labels) if self.people else {}

    def _reaction_certainty(self, classifier: NetworkClassifier) -> float:
        """Return the certainty from which the bot reacts, chosen on people's dev messages if the labels allow."""
        if not self.people:
            return MINIMUM_CERTAINTY
        dev = self.people.dev
        return choose_reaction_certainty(classifier.predict(dev.texts), dev, classifier.labels)


def _labels_without_emoji(dataset: Dataset, emoji: Mapping[str, str]) -> list[str]:
    """Return a line about the labels to which the bot would never react, if there are any."""
    without = without_emoji(dataset.labels, emoji)
    if not without:
        return []
    return [
        f"The bot will not react to {listed(without)}, for which there is no emoji: give each of them one, for "
        f"example --emoji {shlex.quote(without[0])}=😊, or do so later in manifest.json or in /settings."
    ]


def _shards_overview(shards: Shards | None) -> list[str]:
    """Return a line about the texts in shards, if there are shards."""
    if shards is None:
        return []
    texts, files = counted(len(shards), "text"), counted(len(shards.paths), "shard")
    return [f"{texts} in {files} to learn from; of the others only the vocabulary."]

"""The teacher with tiny, randomly initialised encoders."""

from __future__ import annotations

import string
from dataclasses import replace
from importlib.util import find_spec
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
import pytest

from classifiers.nn.arrays import Array
from classifiers.nn.batching import Examples
from classifiers.training.recipes import Encoder, Recipe

if TYPE_CHECKING:
    from classifiers.training.teacher import Teacher

pytestmark = [
    pytest.mark.heavy,
    pytest.mark.skipif(
        not (find_spec("torch") and find_spec("transformers")),
        reason="run `pip install -e '.[distill]'` to test the teacher as well",
    ),
]

NO_GPU = "on a computer with a GPU, run `python3 -m pytest tests/classifiers/training/test_teacher.py`"
MARKS = ["<s>", "<pad>", "</s>", "<unk>", "<mask>"]
SIZES = {"hidden_size": 32, "num_hidden_layers": 2, "num_attention_heads": 2, "intermediate_size": 48}
TEXTS = ["i love this", "this is awful", "what a lovely day", "i hate mondays", "so happy", "so sad"]
TARGETS = np.array([[1, 0], [0, 1]] * 3, dtype=np.float32)
ENCODER = Encoder("emobot/tiny", "main", frozen=1)
BIAS = np.array([0.5, -1], dtype=np.float32)
RECIPE = Recipe(6, 3, 1e-2, embedding=32, dropout=0.1, word_dropout=0.0, weight_decay=0.01)


@pytest.fixture(params=["Bert", "MPNet"])
def encoder(request: pytest.FixtureRequest, tmp_path: Path) -> Path:
    """Return a folder with a transformer from which a teacher may start, and its tokenizer."""
    import torch
    import transformers
    from tokenizers import Tokenizer, models, normalizers, pre_tokenizers, processors

    words = sorted({word for text in TEXTS for word in text.split()})
    pieces = [*MARKS, *words, *string.ascii_lowercase, *(f"##{letter}" for letter in string.ascii_lowercase)]
    tokenizer = Tokenizer(models.WordPiece({piece: number for number, piece in enumerate(pieces)}, unk_token="<unk>"))
    tokenizer.normalizer = normalizers.BertNormalizer()
    tokenizer.pre_tokenizer = pre_tokenizers.BertPreTokenizer()
    tokenizer.post_processor = processors.TemplateProcessing(
        single="<s> $A </s>", special_tokens=[("<s>", 0), ("</s>", 2)]
    )
    names = dict(zip(("bos_token", "pad_token", "eos_token", "unk_token", "mask_token"), MARKS, strict=True))
    transformers.PreTrainedTokenizerFast(tokenizer_object=tokenizer, **names).save_pretrained(tmp_path)
    torch.manual_seed(1)
    config = getattr(transformers, f"{request.param}Config")(vocab_size=len(pieces), pad_token_id=1, **SIZES)
    getattr(transformers, f"{request.param}Model")(config).save_pretrained(tmp_path)
    return tmp_path


@pytest.fixture(params=["cpu", "cuda"])
def device(request: pytest.FixtureRequest) -> str:
    from classifiers.training.teacher import fastest_device

    if request.param == "cuda" and fastest_device() != "cuda":
        pytest.skip(NO_GPU)
    return str(request.param)


def teacher_from(folder: Path, recipe: Recipe = RECIPE, device: str = "cpu", frozen: int = 1) -> Teacher:
    from classifiers.training.teacher import Teacher

    return Teacher(BIAS, recipe, replace(ENCODER, frozen=frozen), folder, device)


def learnt(teacher: Teacher, epochs: range) -> tuple[Examples, list[float]]:
    examples = Examples(teacher.encode(TEXTS), TARGETS)
    return examples, [float(np.mean(list(teacher.train_epoch(examples, number)))) for number in epochs]


def test_teacher_learns_and_resumes_from_its_state(device: str, encoder: Path) -> None:
    teacher = teacher_from(encoder, device=device)
    examples, losses = learnt(teacher, range(1, 6))
    assert losses[-1] < 0.8 * losses[0]

    state = teacher.state()
    heir = teacher_from(encoder, device=device)
    heir.restore(state)
    assert state.keys() == heir.state().keys()
    for name, array in heir.state().items():
        np.testing.assert_array_equal(array, state[name])
    np.testing.assert_allclose(heir.logits(examples.sequences), teacher.logits(examples.sequences), atol=1e-6)
    [loss] = learnt(teacher, range(6, 7))[1]
    assert learnt(heir, range(6, 7))[1] == pytest.approx([loss], abs=1e-5)


def test_state_is_a_copy(encoder: Path) -> None:
    teacher = teacher_from(encoder)
    learnt(teacher, range(1, 2))
    state = teacher.state()
    kept = {name: array.copy() for name, array in state.items()}
    learnt(teacher, range(2, 3))
    assert all(np.array_equal(array, kept[name]) for name, array in state.items())
    assert any(not np.array_equal(array, kept[name]) for name, array in teacher.state().items())


def test_only_the_highest_layers_are_trained(encoder: Path) -> None:
    teacher = teacher_from(encoder)
    before = teacher.state()
    learnt(teacher, range(1, 3))
    after = teacher.state()
    parameters = {name for name in before if name.startswith("network/")}
    assert any(".layer.1." in name for name in parameters)
    assert all(".layer.1." in name or name.startswith("network/1.") for name in parameters)
    assert all(not np.array_equal(before[name], after[name]) for name in parameters)


def test_layers_that_are_not_trained_have_no_dropout(encoder: Path) -> None:
    losses = []
    for number in (1, 2):  # each epoch has masks of its own
        teacher = teacher_from(encoder, replace(RECIPE, dropout=0.0, batch_size=6), frozen=2)
        losses.append(next(teacher.train_epoch(Examples(teacher.encode(TEXTS), TARGETS), number)))
    assert losses[0] == pytest.approx(losses[1], abs=1e-6)


def test_folder_without_an_encoder_is_refused(tmp_path: Path) -> None:
    with pytest.raises((OSError, ValueError)):
        teacher_from(tmp_path)


def test_teacher_starts_from_the_given_bias_and_seed(encoder: Path) -> None:
    def start(seed: int) -> tuple[Array, dict[str, Array]]:
        teacher = teacher_from(encoder, replace(RECIPE, learning_rate=2e-3, seed=seed))
        return teacher.logits(teacher.encode(TEXTS)), teacher.state()

    (logits, first), (_, again), (_, other) = start(0), start(0), start(1)
    np.testing.assert_allclose(logits, np.tile(BIAS, (6, 1)), atol=0.3)
    np.testing.assert_array_equal(first["network/1.bias"], BIAS)
    np.testing.assert_array_equal(first["network/1.weight"], again["network/1.weight"])
    assert not np.array_equal(first["network/1.weight"], other["network/1.weight"])


def test_output_does_not_depend_on_the_other_texts_of_the_batch(device: str, encoder: Path) -> None:
    teacher = teacher_from(encoder, device=device)
    sequences = teacher.encode(TEXTS)
    assert len({len(sequence) for sequence in sequences}) > 1
    together = teacher.logits(sequences)
    alone = np.concatenate([teacher.logits([sequence]) for sequence in sequences])
    np.testing.assert_allclose(together, alone, atol=0.05)  # bfloat16
    assert np.ptp(alone, axis=0).max() > 0


def test_word_vector_is_the_mean_of_its_pieces(encoder: Path) -> None:
    teacher = teacher_from(encoder)
    vectors = teacher.vectors(["happy", "mondays", "zzz"])
    assert vectors.shape == (3, 32)
    assert len(teacher.encode(["zzz"])[0]) == 5
    output = teacher.state()
    np.testing.assert_allclose(
        vectors @ output["network/1.weight"].T + output["network/1.bias"],
        teacher.logits(teacher.encode(["happy", "mondays", "zzz"])),
        atol=0.02,
    )


def test_emoji_are_read_as_their_names(encoder: Path) -> None:
    teacher = teacher_from(encoder)
    assert teacher.encode(["well done 👏"]) == teacher.encode(["well done clapping hands sign"])
    assert teacher.encode(["🥺🥺"]) == teacher.encode(["face with pleading eyes face with pleading eyes"])


def test_long_texts_are_cut(encoder: Path) -> None:
    [pieces] = teacher_from(encoder).encode(["happy " * 500])
    assert len(pieces) == 56
    assert pieces[-1] == MARKS.index("</s>")

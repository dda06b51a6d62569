"""Hyper-parameters of the vocabulary, of each network's training by kind of data, and of the shipped recipe's teachers.

How many recurrent layers each network has is in `classifiers.nn.network.KINDS`, how many units they have in `UNITS`
there.

`TINY` is for the built-in phrases, `FULL` for GoEmotions and for users' files, `SHIPPED` for the shipped weights:
`SHIPPED.networks["rnn"]` is the recipe of the shipped RNN.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace

from classifiers.training.datasets import Dataset

MAX_WORDS, MIN_COUNT = 20_000, 2
"""The size of the vocabulary at most, and how often a word of it occurs at least in the training texts."""

MAX_TOKENS = 64
"""The tokens of a text that the networks read; what follows is cut off."""


@dataclass(frozen=True, slots=True)
class Recipe:
    """The hyper-parameters of a network and its training.

    Attributes:
        epochs: how often every example is seen.
        batch_size: examples an update.
        learning_rate: its peak, reached after a tenth of all steps; a cosine brings it to zero.
        embedding: size of the word vectors.
        dropout: share of features silenced at the embeddings and before the output; half of it between layers.
        word_dropout: share of words replaced by the unknown one.
        weight_decay: AdamW's.
        clip_norm: the gradients' largest joint norm.
        seed: of initial weights, order and dropout.
        settled: the first epoch that dev may choose; one before it is chosen only if training stops before it.
        patience: after how many settled epochs without a better one the training ends; None to see all epochs.
    """

    epochs: int
    batch_size: int
    learning_rate: float
    embedding: int
    dropout: float
    word_dropout: float
    weight_decay: float
    clip_norm: float = 1.0
    seed: int = 0
    settled: int = 1
    patience: int | None = None


@dataclass(frozen=True, slots=True)
class Encoder:
    """A pre-trained transformer that a teacher starts from.

    Attributes:
        name: its repository on the Hugging Face hub.
        revision: the commit there, so that everybody starts from the same weights.
        frozen: how many of its lowest layers are not trained, which halves the time.
    """

    name: str
    revision: str
    frozen: int


@dataclass(frozen=True, slots=True)
class Distillation:
    """The hyper-parameters of a training with teachers.

    Attributes:
        encoder: what each teacher starts from.
        teacher: the recipe of each teacher; `embedding` is the size of the encoder's own vectors.
        teachers: how many teachers there are, with a seed each; the mean of several is more accurate.
        augmentations: how many augmented texts the teachers label for each training text that has labels.
        assistant_augmentations: how many more the trained BiLSTM labels for each, so that the smaller networks seldom
            see a text twice. It is nearly as accurate as the teachers and far quicker: a teacher assistant, as in
            Mirzadeh and others, "Improved Knowledge Distillation via Teacher Assistant" (2020).
        people_repeats: how often an epoch has each message of people, with labels or without; what else there is to
            learn from, it has once. The messages are few beside the rest, and they are what the bot reads.
        temperature: of all targets from which the smaller networks learn: see `distillation.apply_temperature`.
        networks: the recipe of each network that learns from the teachers.
    """

    encoder: Encoder
    teacher: Recipe
    teachers: int
    augmentations: int
    assistant_augmentations: int
    people_repeats: int
    temperature: float
    networks: Mapping[str, Recipe]


TINY = {
    "rnn": Recipe(100, 8, 2e-3, embedding=16, dropout=0.2, word_dropout=0.0, weight_decay=0.01),
    "gru": Recipe(60, 8, 2e-3, embedding=16, dropout=0.2, word_dropout=0.0, weight_decay=0.01),
    "lstm": Recipe(60, 8, 2e-3, embedding=16, dropout=0.2, word_dropout=0.0, weight_decay=0.01),
    "bilstm": Recipe(40, 8, 2e-3, embedding=16, dropout=0.2, word_dropout=0.0, weight_decay=0.01),
}
"""The recipe of each network for the built-in phrases, which are few."""

FULL = {
    "rnn": Recipe(10, 64, 2.5e-3, embedding=96, dropout=0.3, word_dropout=0.08, weight_decay=0.01),
    "gru": Recipe(8, 64, 2.5e-3, embedding=96, dropout=0.3, word_dropout=0.08, weight_decay=0.01),
    "lstm": Recipe(8, 64, 2.5e-3, embedding=96, dropout=0.3, word_dropout=0.08, weight_decay=0.01),
    "bilstm": Recipe(6, 64, 2.5e-3, embedding=96, dropout=0.3, word_dropout=0.08, weight_decay=0.01),
}
"""The recipe of each network for GoEmotions, and by `adapted` for other data."""

SMALLEST_BATCH, MIN_BATCHES_PER_EPOCH = 8, 25
"""How many texts a batch has at least, and how many batches an epoch has at least unless there are too few texts."""

LEAST_UPDATES, WANTED_UPDATES, MOST_EPOCHS = 600, 1000, 60
"""How many updates of the weights a training has at least, and how many more it has unless that takes many epochs.

On 400 and 2,000 texts of four and six of GoEmotions' labels (2 or 3 seeds), 1,000 updates gave the RNN up to 0.04 more
accuracy than 600. Only after the least number may dev choose among the epochs: on 46 to 400 texts, the epoch of lowest
dev loss, were it free to be any, was up to 0.03 worse than the last one. A few texts say little, and what they say of
the first epochs is mostly luck.
"""

SHIPPED = Distillation(
    encoder=Encoder("sentence-transformers/all-mpnet-base-v2", "e8c3b32edf5434bc2275fc9bab85f82640a19130", frozen=0),
    teacher=Recipe(2, 64, 5e-5, embedding=768, dropout=0.1, word_dropout=0.0, weight_decay=0.01),
    teachers=4,
    augmentations=6,
    assistant_augmentations=4,
    people_repeats=4,
    temperature=1.5,
    networks={  # they learn from so many texts that they need little else against overfitting
        "rnn": replace(FULL["rnn"], epochs=2, learning_rate=1.5e-3, dropout=0.0, word_dropout=0.02),
        "gru": replace(FULL["gru"], epochs=4, dropout=0.1),
        "lstm": replace(FULL["lstm"], epochs=4, dropout=0.1),
        "bilstm": replace(FULL["bilstm"], epochs=3, batch_size=256, learning_rate=3e-3, dropout=0.0, word_dropout=0.02),
    },
)
"""The recipe of the weights that are shipped with the package.

The RNN and the BiLSTM started from weights that were shipped earlier (`train.py --start`), so they need fewer epochs
and a lower rate than from random ones; docs/models.md says from which.
"""

TEACHER_MAX_PIECES = 56
"""Word pieces of a text that a teacher reads; hardly any of GoEmotions' comments has more."""

TEACHER_HEAD_RATE = 8
"""How many times the learning rate of a teacher's new output layer is that of the pre-trained layers below."""

CROPPED, SPLICED = 0.35, 0.25
"""The shares of augmented texts that are a part of a text, and that are spliced from two texts."""

REPLACED, OMITTED = 0.12, 0.08
"""The shares of an augmented text's words that are replaced by another word, and that are left out."""

UNIFORM = 0.5
"""The share of texts whose replacements are drawn evenly from all different words, so that rare words occur as well.

In the other texts they are drawn as often as the words occur.
"""

VECTOR_DEVIATION = 0.3
"""Standard deviation of the elements of word vectors that start from the teachers'."""


def choose_recipe(network: str, dataset: Dataset, batch_size: int | None = None, texts: int | None = None) -> Recipe:
    """Return the recipe of a network that learns the labels of a data set.

    For a user's file it depends on the number of training texts, in batches of `batch_size` if that is given; for
    `texts` that are not in the data set, on their number.
    """
    if texts or dataset.own:
        return adapted(FULL[network], texts or len(dataset.train), batch_size)
    return TINY[network] if dataset.name == "builtin" else FULL[network]


def adapted(recipe: Recipe, texts: int, batch_size: int | None = None) -> Recipe:
    """Return `recipe` for so many training texts: for few, smaller batches, more epochs, and early stopping by dev."""
    fitting = 1 << (max(1, texts // MIN_BATCHES_PER_EPOCH).bit_length() - 1)  # a power of two, rounded down
    size = batch_size or min(recipe.batch_size, max(SMALLEST_BATCH, fitting))
    steps = -(-texts // size)
    least, wanted = -(-LEAST_UPDATES // steps), -(-WANTED_UPDATES // steps)
    epochs = max(recipe.epochs, least, min(wanted, MOST_EPOCHS))
    return replace(recipe, batch_size=size, epochs=epochs, settled=least, patience=max(3, epochs // 5))

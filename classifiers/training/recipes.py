"""Define the hyper-parameters of the vocabulary, the networks and, for the shipped recipe, the teachers.

The number of recurrent layers of each network is in `classifiers.nn.network.KINDS`, and their units are in `UNITS`
there.

`TINY` is for the built-in phrases, `FULL` for all other data sets, `SHIPPED` for the shipped weights:
`SHIPPED.networks["rnn"]` is the recipe of the shipped RNN.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace

from classifiers.training.datasets import Dataset

MAX_WORDS, MIN_COUNT = 20_000, 2
"""The largest size of the vocabulary, and the fewest occurrences of its words in the training texts."""

MAX_TOKENS = 64
"""The most tokens of a text that the networks read in training; the rest is cut off."""


@dataclass(frozen=True, slots=True)
class Recipe:
    """The hyper-parameters of a network and its training.

    Attributes:
        epochs: how often every example is seen.
        batch_size: examples per update.
        learning_rate: the peak learning rate, reached after a tenth of all steps; then a cosine takes it to zero.
        embedding: the size of the word vectors.
        dropout: the share of features dropped at the embeddings and before the output; half of it between layers.
        word_dropout: the share of words replaced by the unknown one.
        weight_decay: AdamW's weight decay.
        clip_norm: the largest joint norm of the gradients.
        seed: the seed of initial weights, order and dropout.
        settled: the first epoch that may be chosen as the best; an earlier one is chosen only if training stops before.
        patience: the number of settled epochs without improvement after which training ends; None for no limit.
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
        name: its repository on the Hugging Face Hub.
        revision: the commit there, so that everybody starts from the same weights.
        frozen: how many of its lowest layers are not trained, which saves time.
    """

    name: str
    revision: str
    frozen: int


@dataclass(frozen=True, slots=True)
class Refit:
    """The weight and the targets of one data set's texts when an output layer is fitted to labels again.

    Attributes:
        weight: the weight of each text.
        kept: the share of the network's own probabilities in the targets; the rest is the text's labels.
    """

    weight: float
    kept: float


@dataclass(frozen=True, slots=True)
class Distillation:
    """The hyper-parameters of a training run with teachers.

    Attributes:
        encoder: the encoder from which each teacher starts.
        teacher: the recipe of each teacher; `embedding` is the size of the encoder's own vectors.
        teachers: the number of teachers, each with its own seed; the mean of several is more accurate.
        augmentations: how many augmented texts the teachers label for each training text that has labels.
        assistant_augmentations: how many more the trained BiLSTM labels for each text, with or without labels, so that
            the smaller networks seldom see a text twice. It is nearly as accurate as the teachers and far faster: a
            teacher assistant, as in Mirzadeh and others, "Improved Knowledge Distillation via Teacher Assistant"
            (2020).
        people_repeats: how often each message of people, with or without labels, augmented or not, occurs in an epoch;
            all other texts occur once. There are few such messages, and they are most like what the bot reads.
        temperature: the temperature of all targets for the smaller networks, see `distillation.apply_temperature`.
        networks: the recipe of each network that learns from the teachers.
        refitted: the networks whose output layer is fitted to labels at the end, see `output_layer.refit`.
        refit: how the training texts of each data set count in that.
    """

    encoder: Encoder
    teacher: Recipe
    teachers: int
    augmentations: int
    assistant_augmentations: int
    people_repeats: int
    temperature: float
    networks: Mapping[str, Recipe]
    refitted: tuple[str, ...]
    refit: Mapping[str, Refit]


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
"""The recipe of each network for GoEmotions, chat and people and, through `adapt_recipe`, for users' data."""

MIN_BATCH_SIZE, MIN_BATCHES_PER_EPOCH = 8, 25
"""The fewest texts in a batch, and the fewest batches in an epoch unless there are too few texts."""

MIN_UPDATES, TARGET_UPDATES, MAX_EPOCHS = 600, 1000, 60
"""The fewest updates of a training run, and the desired number, which is reduced if it would take too many epochs.

On 400 and 2,000 texts of four and six of GoEmotions' labels (2 or 3 seeds), the RNN was up to 0.04 more accurate after
1,000 updates than after 600. The best epoch may be chosen only after the fewest updates: on 46 to 400 texts, the epoch
with the lowest dev loss among all epochs was up to 0.03 worse than the last one. A few texts say little, and which of
the first epochs is best on them is mostly luck.
"""

SHIPPED = Distillation(
    encoder=Encoder("sentence-transformers/all-mpnet-base-v2", "e8c3b32edf5434bc2275fc9bab85f82640a19130", frozen=0),
    teacher=Recipe(2, 64, 5e-5, embedding=768, dropout=0.1, word_dropout=0.0, weight_decay=0.01),
    teachers=4,
    augmentations=6,
    assistant_augmentations=4,
    people_repeats=4,
    temperature=1.5,
    networks={  # they learn from so many texts that they need little other regularisation
        "rnn": replace(FULL["rnn"], epochs=2, learning_rate=1.5e-3, dropout=0.0, word_dropout=0.02),
        "gru": replace(FULL["gru"], epochs=4, dropout=0.1),
        "lstm": replace(FULL["lstm"], epochs=4, dropout=0.1),
        "bilstm": replace(FULL["bilstm"], epochs=3, batch_size=256, learning_rate=3e-3, dropout=0.0, word_dropout=0.02),
    },
    refitted=("bilstm",),  # the RNN would lose on people's messages
    refit={  # otherwise GoEmotions' way of labelling would replace what was learnt from the others
        "goemotions": Refit(weight=1.0, kept=0.0),
        "chat": Refit(weight=0.5, kept=1.0),
        "people": Refit(weight=0.5, kept=0.5),
    },
)
"""The recipe of the weights that are shipped with the package.

The RNN and the BiLSTM started from previously shipped weights (`train.py --start`; docs/models.md says which), so they
need fewer epochs and a lower learning rate than from random weights.
"""

TEACHER_MAX_PIECES = 56
"""The most word pieces of a text that a teacher reads; hardly any of GoEmotions' comments has more."""

TEACHER_HEAD_RATE = 8
"""The learning rate of a teacher's new output layer, as a multiple of that of the pre-trained layers."""

CROPPED, SPLICED = 0.35, 0.25
"""The share of augmented texts that are a part of one text, and the share that are spliced from two texts."""

REPLACED, OMITTED = 0.12, 0.08
"""The share of an augmented text's words that are replaced by another word, and the share that are left out."""

UNIFORM = 0.5
"""The share of texts whose replacements are drawn uniformly from all distinct words, so that rare words occur as well.

In the other texts, replacements are drawn in proportion to the words' frequency.
"""

VECTOR_DEVIATION = 0.3
"""Standard deviation of the elements of word vectors that start from the teachers'."""


def choose_recipe(network: str, dataset: Dataset, batch_size: int | None = None, texts: int | None = None) -> Recipe:
    """Return the recipe of a network that learns the labels of a data set.

    For a user's file it depends on the number of training texts (`texts`, if they are not in the data set), in batches
    of `batch_size` if that is given.
    """
    if texts or dataset.own:
        return adapt_recipe(FULL[network], texts or len(dataset.train), batch_size)
    return TINY[network] if dataset.name == "builtin" else FULL[network]


def adapt_recipe(recipe: Recipe, texts: int, batch_size: int | None = None) -> Recipe:
    """Return `recipe` with early stopping; for few training texts also with smaller batches and more epochs."""
    fitting = 1 << (max(1, texts // MIN_BATCHES_PER_EPOCH).bit_length() - 1)  # a power of two, rounded down
    size = batch_size or min(recipe.batch_size, max(MIN_BATCH_SIZE, fitting))
    steps = -(-texts // size)
    least, wanted = -(-MIN_UPDATES // steps), -(-TARGET_UPDATES // steps)
    epochs = max(recipe.epochs, least, min(wanted, MAX_EPOCHS))
    return replace(recipe, batch_size=size, epochs=epochs, settled=least, patience=max(3, epochs // 5))

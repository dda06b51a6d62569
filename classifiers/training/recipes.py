"""How long, how fast and in what portions each network is trained on which data."""

from __future__ import annotations

from dataclasses import replace

from classifiers.training.datasets import Dataset
from classifiers.training.loop import Recipe

TINY = {
    "rnn": Recipe(100, 8, 2e-3, embedding=16, dropout=0.2, word_dropout=0.0, weight_decay=0.01),
    "gru": Recipe(60, 8, 2e-3, embedding=16, dropout=0.2, word_dropout=0.0, weight_decay=0.01),
    "lstm": Recipe(60, 8, 2e-3, embedding=16, dropout=0.2, word_dropout=0.0, weight_decay=0.01),
    "bilstm": Recipe(40, 8, 2e-3, embedding=16, dropout=0.2, word_dropout=0.0, weight_decay=0.01),
}
"""For the built-in phrases: few, and every word of them counts."""

FULL = {
    "rnn": Recipe(10, 64, 2.5e-3, embedding=96, dropout=0.3, word_dropout=0.08, weight_decay=0.01),
    "gru": Recipe(8, 64, 2.5e-3, embedding=96, dropout=0.3, word_dropout=0.08, weight_decay=0.01),
    "lstm": Recipe(8, 64, 2.5e-3, embedding=96, dropout=0.3, word_dropout=0.08, weight_decay=0.01),
    "bilstm": Recipe(6, 64, 2.5e-3, embedding=96, dropout=0.3, word_dropout=0.08, weight_decay=0.01),
}
"""For GoEmotions, and adapted by `adapted` for other data."""

DISTILLED = {
    "rnn": replace(FULL["rnn"], epochs=4, dropout=0.0, word_dropout=0.02),
    "gru": replace(FULL["gru"], epochs=4, dropout=0.1),
    "lstm": replace(FULL["lstm"], epochs=4, dropout=0.1),
    "bilstm": replace(FULL["bilstm"], epochs=6, dropout=0.1),
}
"""For teacher targets: they come for so many texts that little else is needed against overfitting."""

SMALLEST_BATCH, BATCHES = 8, 25
"""How many texts a batch has at least, and how many batches an epoch is to have before batches grow."""

LEAST_UPDATES, WANTED_UPDATES, MOST_EPOCHS = 600, 1000, 60
"""How many updates of the weights a training has at least, and how many more it has unless that takes many epochs.

On 400 and 2,000 texts of four and six of GoEmotions' labels (2 or 3 seeds), 1,000 updates gave the RNN up to 0.04 more
accuracy than 600. Only after the least number may dev choose among the epochs: on 46 to 400 texts, the epoch of lowest
dev loss, were it free to be any, was up to 0.03 worse than the last one. A few texts say little, and what they say of
the first epochs is mostly luck.
"""


def choose_recipe(network: str, dataset: Dataset, distilled: bool = False, batch_size: int | None = None) -> Recipe:
    """The recipe of a network for a data set; `distilled` if it learns from teacher targets.

    One for a file of the user's follows the number of its training texts, in batches of `batch_size` if that is given.
    """
    if distilled:
        return DISTILLED[network]
    if dataset.own:
        return adapted(FULL[network], len(dataset.train), batch_size)
    return TINY[network] if dataset.name == "builtin" else FULL[network]


def adapted(recipe: Recipe, texts: int, batch_size: int | None = None) -> Recipe:
    """`recipe` for so many training texts: smaller batches and more epochs for few, and a stop where dev says so."""
    fitting = 1 << (max(1, texts // BATCHES).bit_length() - 1)  # a power of two, rounded down
    size = batch_size or min(recipe.batch_size, max(SMALLEST_BATCH, fitting))
    steps = -(-texts // size)
    least, wanted = -(-LEAST_UPDATES // steps), -(-WANTED_UPDATES // steps)
    epochs = max(recipe.epochs, least, min(wanted, MOST_EPOCHS))
    return replace(recipe, batch_size=size, epochs=epochs, settled=least, patience=max(3, epochs // 5))

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from classifiers.model_directory import FILES
from classifiers.training.datasets import Dataset, Split, load_dataset
from classifiers.training.recipes import FULL, SHIPPED, TINY, Recipe, adapt_recipe, choose_recipe


def own(texts: int) -> Dataset:
    split = Split(("",) * texts, np.tile(np.eye(2, dtype=np.float32), (texts // 2, 1)))
    return Dataset("builtin", ("fear", "joy"), split, split, split, "", own=True)


@pytest.mark.parametrize("network", FILES)
def test_builtin_data_sets_have_their_own_recipes(network: str) -> None:
    builtin = load_dataset("builtin")
    assert choose_recipe(network, builtin) == TINY[network]
    assert choose_recipe(network, replace(builtin, name="goemotions")) == FULL[network]
    assert {TINY[network].patience, FULL[network].patience, SHIPPED.networks[network].patience} == {None}


def test_file_named_builtin_gets_the_recipe_of_a_file() -> None:
    assert choose_recipe("rnn", own(56)) == adapt_recipe(FULL["rnn"], 56)


@pytest.mark.parametrize(
    ("texts", "batch_size", "epochs", "settled"),
    [
        (2, 8, 600, 600),
        (46, 8, 100, 100),  # 6 updates in each epoch
        (100, 8, 60, 47),  # 13
        (400, 16, 40, 24),  # 25
        (1000, 32, 32, 19),  # 32
        (3000, 64, 22, 13),  # 47
        (43_410, 64, 10, 1),  # GoEmotions' size: 679
    ],
)
def test_batches_and_epochs_follow_the_number_of_texts(texts: int, batch_size: int, epochs: int, settled: int) -> None:
    recipe = adapt_recipe(FULL["rnn"], texts)
    assert (recipe.batch_size, recipe.epochs, recipe.settled) == (batch_size, epochs, settled)
    updates = -(-texts // recipe.batch_size)
    assert recipe.epochs * updates >= (1000 if texts > 150 else 600)
    assert recipe.settled * updates >= 600
    assert recipe.patience == max(3, epochs // 5)
    assert replace(recipe, batch_size=64, epochs=10, settled=1, patience=None) == FULL["rnn"]


def test_given_batch_size_keeps_the_number_of_updates() -> None:
    recipe: Recipe = choose_recipe("rnn", own(100), batch_size=50)
    assert (recipe.batch_size, recipe.epochs, recipe.settled) == (50, 300, 300)

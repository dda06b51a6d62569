"""Networks with equally many recurrent parameters."""

import numpy as np
import pytest

from classifiers.nn.network import stacked
from classifiers.study import matched
from classifiers.study.matched import FULL_MATCHED, MATCHED, MatchedSettings
from classifiers.training.numpy_backend import Trainer

EMBEDDING = FULL_MATCHED.recipe(0).embedding


@pytest.mark.parametrize("name", MATCHED)
def test_recurrent_parameters_are_equal_within_2_percent(name: str) -> None:
    spec = MATCHED[name]
    units = spec.units(EMBEDDING, FULL_MATCHED.parameters)
    network = stacked(spec.kind, 10, EMBEDDING, 3, np.random.default_rng(0), units=units)
    counted = sum(array.size for key, array in network.params.items() if key.startswith("2."))
    assert spec.recurrent_parameters(EMBEDDING, units) == counted
    wanted = FULL_MATCHED.parameters * (0.25 if name == "rnn" else 1)
    assert counted == pytest.approx(wanted, rel=0.02)


def test_all_networks_have_the_plain_recipe_and_the_same_epochs() -> None:
    recipe = FULL_MATCHED.recipe(7)
    assert (recipe.seed, recipe.epochs) == (7, FULL_MATCHED.epochs)
    assert (recipe.batch_size, recipe.dropout, recipe.word_dropout, recipe.patience) == (64, 0.3, 0.08, None)


@pytest.mark.usefixtures("small_data")
def test_result_has_size_and_measures_and_depends_on_the_seed_alone() -> None:
    matched._load.cache_clear()
    settings = MatchedSettings(parameters=40_000, texts=140, epochs=2)
    found = matched.measure_matched("bilstm", 1, settings)
    assert found["units"] == MATCHED["bilstm"].units(EMBEDDING, 40_000)
    assert found["recurrent"] < found["parameters"]
    assert found["epoch"] in (1, 2)
    assert found == matched.measure_matched("bilstm", 1, settings)
    assert found != matched.measure_matched("bilstm", 2, settings)
    for figure in ("macro_f1", "micro_f1", "top1", "acceptable", "emotional"):
        assert 0 <= found[figure] <= 1


@pytest.mark.usefixtures("small_data")
def test_ctrl_c_leaves_no_result(monkeypatch: pytest.MonkeyPatch) -> None:
    def interrupted(*_: object) -> None:
        raise KeyboardInterrupt

    matched._load.cache_clear()
    monkeypatch.setattr(Trainer, "train_epoch", interrupted)
    with pytest.raises(KeyboardInterrupt):
        matched.measure_matched("rnn", 0, MatchedSettings(parameters=1000, texts=10, epochs=1))

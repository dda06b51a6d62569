import numpy as np
import pytest

from classifiers.study import radii
from classifiers.study.radii import (
    EXPONENT,
    GRADIENT,
    NORM,
    RADIUS,
    REACH,
    SINGULAR,
    STARTS,
    measure_seed,
    radius_records,
)


@pytest.mark.parametrize("row", STARTS)
@pytest.mark.parametrize("radius", [0.7, 1.2])
def test_lyapunov_exponent_predicts_the_slope_of_the_gradient(row: str, radius: float) -> None:
    lines, slopes = measure_seed(row, radius, seed=0)
    assert slopes[EXPONENT] == pytest.approx(slopes[GRADIENT], abs=0.02)
    assert slopes[RADIUS] == pytest.approx(np.log10(radius), abs=1e-6)
    assert slopes[RADIUS] - slopes[GRADIENT] > 0.03  # the matrix alone does not predict it
    assert slopes[NORM] > slopes[RADIUS] - 1e-6
    assert lines[EXPONENT][-1] == pytest.approx(REACH * slopes[EXPONENT])


def test_spectral_norm_equals_the_radius_if_orthogonal_and_exceeds_it_if_glorot() -> None:
    of = {row: measure_seed(row, 1.0, seed=1)[1] for row in STARTS}
    assert of["orthogonal"][NORM] == pytest.approx(of["orthogonal"][RADIUS], abs=1e-6)
    assert of["glorot"][NORM] > 0.2


def test_singular_values_that_are_only_rounding_errors_are_left_out() -> None:
    lines, _ = measure_seed("glorot", 1.0, seed=1)
    largest, middle, smallest = (lines[name] for name in SINGULAR)
    assert np.isfinite([largest, middle]).all()
    assert np.isfinite(smallest[:11]).all()
    assert np.isnan(smallest[20:]).all()
    assert np.nanmin(smallest - largest) > -14


def test_lines_begin_at_one_and_the_largest_singular_value_is_on_top() -> None:
    lines, _ = measure_seed("orthogonal", 1.0, seed=0)
    assert all(line[0] == 0 for line in lines.values())
    largest, middle, smallest = (lines[name] for name in SINGULAR)
    assert (largest[1:] > middle[1:]).all()
    assert (middle[1:] > smallest[1:]).all()
    assert (largest[1:] < np.arange(1, REACH + 1) * 1e-6).all()  # no step stretches by more than the spectral norm, 1


def test_records_are_means_of_logarithms_over_the_seeds(monkeypatch: pytest.MonkeyPatch) -> None:
    def fake(_: str, radius: float, seed: int) -> tuple[dict[str, object], dict[str, object]]:
        line = np.full(REACH + 1, float(seed))
        line[4] = np.nan  # as a singular value that is lost in rounding
        return {GRADIENT: line + radius}, {GRADIENT: np.float64(seed) + 0.1234}

    monkeypatch.setattr(radii, "measure_seed", fake)
    by_distance, by_radius = radius_records()
    assert by_radius[0] == {"start": "orthogonal", "radius": 0.5, "quantity": GRADIENT, "slope": 1.123}
    assert {record["radius"] for record in by_radius} == set(radii.RADII)
    own = [record for record in by_distance if record["start"] == "Glorot" and record["radius"] == 1.0]
    assert [record["back"] for record in own] == [back for back in range(0, REACH + 1, 2) if back != 4]
    assert {record["left"] for record in own} == {100}  # 10 to the mean of 0, 1 and 2, and the radius

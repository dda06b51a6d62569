from classifiers.study.curves import CURVES, FULL_CURVES, CurveSettings, measure_curve


def test_curves_have_the_epochs_of_the_original_study_and_of_our_recipe() -> None:
    assert [(curve.kind, curve.epochs) for curve in CURVES.values()] == [("rnn", 500), ("bilstm", 10), ("bilstm", 40)]
    assert FULL_CURVES.most_epochs == 500


def test_curve_has_one_accuracy_per_epoch_and_rises() -> None:
    found = measure_curve("rnn-500", 0, CurveSettings(units=32, most_epochs=40))["accuracy"]
    assert len(found) == 40
    assert found[-1] > found[0] + 0.2  # by how much depends on the rounding of the matrix products
    assert measure_curve("bilstm-10", 0, CurveSettings(units=4, most_epochs=3)) == measure_curve(
        "bilstm-40", 0, CurveSettings(units=4, most_epochs=3)
    )

from __future__ import annotations

import numpy as np
import pytest

from classifiers.training.report_figures import confusion, draw_training
from tests.classifiers.training.test_report import HISTORIES, WORDS


@pytest.mark.usefixtures("figures")
@pytest.mark.parametrize("dev_name", ["dev", "the training texts"])
def test_learning_curves_leave_out_losses_that_are_not_comparable(dev_name: str) -> None:
    losses, scores = draw_training(HISTORIES, WORDS, dev_name).axes
    assert losses.get_title() == f"Loss on {dev_name} (star: the epoch kept)"
    assert scores.get_title() == f"Score on {dev_name}"
    for axes, shown, level in ((losses, "dev_loss", WORDS.dev_loss), (scores, "score", WORDS.score)):
        curves = [line for line in axes.lines if line.get_marker() != "*"]
        assert {line.get_label(): np.asarray(line.get_ydata()).tolist() for line in curves} == {
            "RNN": [getattr(epoch, shown) for epoch in HISTORIES["rnn"]],
            "BiLSTM": [getattr(epoch, shown) for epoch in HISTORIES["bilstm"]],
            "Bag of words, without their order": [level, level],
        }
    stars = [line.get_xydata() for line in losses.lines if line.get_marker() == "*"]
    assert np.asarray(stars).tolist() == [[[2, 0.45]], [[2, 0.4]]]


def test_confusion_matrix_has_shares_of_each_true_label() -> None:
    truth, predicted = np.array([0, 0, 0, 0, 1]), np.array([0, 0, 0, 2, 0])
    assert confusion(truth, predicted, 3).tolist() == [[0.75, 0, 0.25], [1, 0, 0], [0, 0, 0]]

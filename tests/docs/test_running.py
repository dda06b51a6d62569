"""docs/running.md gives the numbers of the policy and the pace as they are."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from bot.reactions.pace import MAX_DISLIKES, PROFILES, ChannelState
from bot.reactions.policy import required_certainty
from bot.server_settings import Liveliness, ServerSettings
from classifiers import PRETRAINED
from classifiers.model_directory import read_manifest

PAGE = (Path(__file__).parents[2] / "docs" / "running.md").read_text(encoding="utf-8")


@pytest.mark.parametrize(
    ("liveliness", "seconds"),
    [(Liveliness.QUIET, "minute"), (Liveliness.NORMAL, "ten seconds"), (Liveliness.LIVELY, "two seconds")],
)
def test_table_gives_the_limits_of_each_liveliness(liveliness: Liveliness, seconds: str) -> None:
    [(_, share, cooldown)] = re.findall(rf"^\| \*?{liveliness}\*? \| (.+) \| (\d+) % \| (.+) \|$", PAGE, re.MULTILINE)
    profile = PROFILES[liveliness]
    assert (int(share), cooldown) == (round(100 * profile.share), seconds)
    assert profile.cooldown == {"minute": 60, "ten seconds": 10, "two seconds": 2}[seconds]


def test_page_says_which_reactions_are_always_allowed() -> None:
    assert [PROFILES[liveliness].free for liveliness in Liveliness] == [1, 1, 3]
    assert "one reaction in ten minutes is always allowed, or three if *lively*" in " ".join(PAGE.split())


def test_table_gives_the_certainty_of_each_liveliness_and_model() -> None:
    models = read_manifest(PRETRAINED).models
    bilstm, rnn = (round(100 * models[name].certainty) for name in ("bilstm", "rnn"))
    assert f"as calibrated: {bilstm} % for the shipped BiLSTM, {rnn} % for the RNN" in PAGE
    required = {
        liveliness: required_certainty(0.8, ServerSettings(liveliness=liveliness), ChannelState())
        for liveliness in Liveliness
    }
    assert required == pytest.approx({Liveliness.QUIET: 0.9, Liveliness.NORMAL: 0.8, Liveliness.LIVELY: 0.6})
    assert "| half-way from normal to 100 % |" in PAGE
    assert "| three quarters of normal |" in PAGE


def test_each_person_who_takes_a_reaction_back_raises_the_certainty() -> None:
    disliked = required_certainty(0.8, ServerSettings(), ChannelState(dislikes=1))
    assert disliked == pytest.approx(0.9)
    assert MAX_DISLIKES == 3
    assert "up to three, halves the share for a day and moves the\nrequired certainty half-way to 100 %." in PAGE

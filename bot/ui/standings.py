"""How two models compare when people choose between their answers without knowing which is which."""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping
from contextlib import suppress
from itertools import combinations

from bot.i18n import Translate
from bot.store import Store, StoreError
from classifiers import NAMES

BOTH, NEITHER = "both", "neither"
"""Verdicts that prefer no model; any other verdict is the name of the preferred model."""

MIN_VOTES = 30
"""The fewest votes for either model before anything is said about which is ahead."""

_CONFIDENCE, _Z_SCORE = 0.95, 1.959964
"""The confidence level of an interval, and the quantile of the standard normal distribution that belongs to it."""


async def look_up_standings(
    store: Store, pair: tuple[str, str], guild_id: int | None, translate: Translate
) -> list[str]:
    """Return how two models stand in a server, or in all servers if it is None, in the form of `standings_lines`."""
    try:
        verdicts = await store.verdicts(pair, guild_id)
    except StoreError:
        return [translate("I can't look that up right now.")]
    return standings_lines(verdicts, pair, translate, everywhere=guild_id is None)


async def look_up_all_standings(
    store: Store, usual: tuple[str, str], loaded: Iterable[str], guild_id: int | None, translate: Translate
) -> dict[str, list[str]]:
    """Return the standings of the usual two models, and of every other pair with votes, by title."""
    sections = {standings_title((), translate): await look_up_standings(store, usual, guild_id, translate)}
    for pair in combinations(loaded, 2):
        if {*pair} != {*usual}:
            with suppress(StoreError):  # which is already in the log
                if verdicts := await store.verdicts(pair, guild_id):
                    sections[standings_title(pair, translate)] = standings_lines(
                        verdicts, pair, translate, everywhere=guild_id is None
                    )
    return sections


def standings_title(pair: Iterable[str], translate: Translate) -> str:
    """Return the title of standings, with the names of the models unless they are the usual two."""
    title, names = translate("Blind comparisons"), " + ".join(NAMES[name] for name in pair)
    return f"{title}: {names}" if names else title


def standings_lines(
    verdicts: Mapping[str, int], pair: tuple[str, str], translate: Translate, *, everywhere: bool = False
) -> list[str]:
    """Return a line with the votes on two models, and one that says which is ahead or why that cannot be said.

    Args:
        verdicts: how often each verdict was given.
        pair: the names of the models.
        translate: the reader's language.
        everywhere: whether the votes come from all servers rather than from one.
    """
    if not any(verdicts.values()):
        return [translate("No votes yet: `/compare` with `blind` shows two answers to choose from, without names.")]
    ahead, behind = sorted(pair, key=lambda name: -verdicts.get(name, 0))
    tally = translate("{ahead} {more}, {behind} {fewer}, both {both}, neither {neither}").format(
        ahead=NAMES[ahead],
        more=translate.number(verdicts.get(ahead, 0)),
        behind=NAMES[behind],
        fewer=translate.number(verdicts.get(behind, 0)),
        both=translate.number(verdicts.get(BOTH, 0)),
        neither=translate.number(verdicts.get(NEITHER, 0)),
    )
    total = sum(verdicts.values())
    votes = (
        translate.plural("{count} vote everywhere: {tally}.", "{count} votes everywhere: {tally}.", total)
        if everywhere
        else translate.plural("{count} vote in this server: {tally}.", "{count} votes in this server: {tally}.", total)
    )
    return [votes.format(tally=tally), _conclusion(verdicts.get(ahead, 0), verdicts.get(behind, 0), ahead, translate)]


def wilson_interval(wins: int, votes: int) -> tuple[float, float]:
    """Return Wilson's 95 % confidence interval for a share, which is valid for few votes and extreme shares too.

    Args:
        wins: the number of votes for one side.
        votes: the number of all votes, at least one.
    """
    share, square = wins / votes, _Z_SCORE**2
    scale = 1 + square / votes
    centre = (share + square / (2 * votes)) / scale
    margin = _Z_SCORE * math.sqrt(share * (1 - share) / votes + square / (4 * votes**2)) / scale
    return max(0.0, centre - margin), min(1.0, centre + margin)


def _conclusion(more: int, fewer: int, ahead: str, translate: Translate) -> str:
    votes = more + fewer
    if votes < MIN_VOTES:
        return translate(
            "With fewer than {minimum} votes for one of the two, I can't tell yet which one people prefer."
        ).format(minimum=translate.number(MIN_VOTES))
    if more == fewer:
        return translate("It is a tie: of {votes} votes for one of the two, each got half.").format(
            votes=translate.number(votes)
        )
    low, high = wilson_interval(more, votes)
    sentence = (
        translate(
            "It is too close to call: {share} of {votes} votes for one of the two are for the {model}, "
            "but the {confidence} confidence interval is {low} to {high}."
        )
        if low <= 0.5
        else translate(
            "The {model} is ahead with {share} of {votes} votes for one of the two; "
            "the {confidence} confidence interval is {low} to {high}."
        )
    )
    return sentence.format(
        model=NAMES[ahead],
        share=translate.percent(more / votes),
        votes=translate.number(votes),
        confidence=translate.percent(_CONFIDENCE),
        low=translate.percent(low),
        high=translate.percent(high),
    )

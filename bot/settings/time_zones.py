"""Find a time zone by what people call it: a city, a country, or its name in the IANA database."""

from __future__ import annotations

import unicodedata
from functools import cache

from bot.i18n import ENGLISH, Translate
from bot.server_settings import is_time_zone


def matching_zones(typed: str, translate: Translate) -> list[str]:
    """Return the time zones that a text may mean, the most likely first; the first call may take a while.

    Args:
        typed: a city, a country or the name of a time zone, or a part of one, in English or the reader's
            language.
        translate: the reader's language.
    """
    words = _normalize(typed)
    if not words:
        return []
    if words in ("utc", "gmt"):
        return ["UTC"]
    names = {zone: (*_names(translate)[zone], *_names(ENGLISH)[zone]) for zone in _names(ENGLISH)}
    ranks = {zone: min(_rank(words, name) for name in (*its, _normalize(zone))) for zone, its in names.items()}
    wanted = [zone for zone, rank in ranks.items() if rank == _EXACT]
    wanted = wanted or [zone for zone, rank in ranks.items() if rank < _NOWHERE]
    if not wanted:
        return [typed] if is_time_zone(typed) else []  # such as a zone that belongs to no country
    # In a large country, America/Indiana/Knox comes after America/Chicago.
    return sorted(wanted, key=lambda zone: (ranks[zone], zone.count("/"), names[zone]))


def zone_label(zone: str, translate: Translate) -> str:
    """Return the city of a time zone with its country, if it has one."""
    country = translate.zone_countries().get(zone)
    city = translate.city(zone)
    return f"{city}, {country}" if country else city


_EXACT, _BEGINS, _WITHIN, _NOWHERE = range(4)


def _rank(words: str, name: str) -> int:
    if words == name:
        return _EXACT
    if name.startswith(words):
        return _BEGINS
    return _WITHIN if words in name else _NOWHERE


@cache
def _names(translate: Translate) -> dict[str, tuple[str, str]]:
    """Return the city and the country of each time zone, in plain lower-case letters."""
    zone_countries = translate.zone_countries()
    return {zone: (_normalize(translate.city(zone)), _normalize(country)) for zone, country in zone_countries.items()}


def _normalize(text: str) -> str:
    """Return a text in lower case without accents, with one space between words."""
    letters = unicodedata.normalize("NFKD", text.casefold())
    return " ".join(
        "".join(letter for letter in letters if not unicodedata.combining(letter)).replace("_", " ").split()
    )

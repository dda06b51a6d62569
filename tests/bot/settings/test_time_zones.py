from __future__ import annotations

import discord
import pytest

from bot.i18n import ENGLISH, translator
from bot.settings.time_zones import matching_zones, zone_label

GERMAN = translator(discord.Locale.german)


@pytest.mark.parametrize(
    ("typed", "zone"),
    [
        ("Berlin", "Europe/Berlin"),
        ("  new   york ", "America/New_York"),
        ("São Paulo", "America/Sao_Paulo"),
        ("sao paulo", "America/Sao_Paulo"),
        ("europe/berlin", "Europe/Berlin"),
        ("Japan", "Asia/Tokyo"),
        ("Kolkata", "Asia/Kolkata"),
        ("Kalkutta", "Asia/Kolkata"),
        ("Österreich", "Europe/Vienna"),
        ("utc", "UTC"),
        ("Etc/GMT+5", "Etc/GMT+5"),
    ],
)
def test_one_is_found_by_its_city_its_country_or_its_name(typed: str, zone: str) -> None:
    assert matching_zones(typed, GERMAN) == [zone]


def test_a_country_may_have_several_the_greater_first() -> None:
    zones = matching_zones("United States", ENGLISH)
    assert {"America/New_York", "America/Chicago", "America/Los_Angeles"} <= {*zones[:25]}
    assert zones.index("America/Chicago") < zones.index("America/Indiana/Knox")


def test_what_begins_with_the_words_comes_first() -> None:
    assert matching_zones("lon", ENGLISH)[:2] == ["Europe/London", "Arctic/Longyearbyen"]


@pytest.mark.parametrize("typed", ["", " ", "xyz", "../UTC", "/etc/passwd\0", "x" * 300])
def test_what_is_no_zone_finds_none(typed: str) -> None:
    assert matching_zones(typed, ENGLISH) == []


def test_it_is_described_in_the_readers_language() -> None:
    assert zone_label("America/New_York", GERMAN) == "New York, Vereinigte Staaten"
    assert zone_label("UTC", GERMAN) == "UTC"

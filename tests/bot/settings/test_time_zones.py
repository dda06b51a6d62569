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
def test_zone_is_found_by_city_country_or_name(typed: str, zone: str) -> None:
    assert matching_zones(typed, GERMAN) == [zone]


def test_zones_of_a_country_are_ordered_by_size() -> None:
    zones = matching_zones("United States", ENGLISH)
    assert {"America/New_York", "America/Chicago", "America/Los_Angeles"} <= {*zones[:25]}
    assert zones.index("America/Chicago") < zones.index("America/Indiana/Knox")


def test_matches_at_the_beginning_come_first() -> None:
    assert matching_zones("lon", ENGLISH)[:2] == ["Europe/London", "Arctic/Longyearbyen"]


@pytest.mark.parametrize("typed", ["", " ", "xyz", "../UTC", "/etc/passwd\0", "x" * 300])
def test_other_text_finds_no_zone(typed: str) -> None:
    assert matching_zones(typed, ENGLISH) == []


def test_zone_is_described_in_the_language_of_the_reader() -> None:
    assert zone_label("America/New_York", GERMAN) == "New York, Vereinigte Staaten"
    assert zone_label("UTC", GERMAN) == "UTC"

import json
from pathlib import Path

from classifiers.study import report
from classifiers.study.networks import GOEMOTIONS, MEMORY
from classifiers.study.settings import FULL, as_json

ARTICLE = Path(__file__).parents[3] / "docs" / "study.md"


def test_every_row_has_a_title() -> None:
    assert set(report.TITLES) == {*MEMORY, *GOEMOTIONS}


def test_the_article_says_what_the_numbers_say() -> None:
    text = ARTICLE.read_text(encoding="utf-8")
    numbers = json.loads((ARTICLE.parent / "study" / "numbers.json").read_text(encoding="utf-8"))
    assert numbers["settings"] == as_json(FULL)
    assert report.rewritten(text, report.sections(numbers, "study")) == text

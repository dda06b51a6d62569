import json
import re
from pathlib import Path

from classifiers.study import article
from classifiers.study.runs import EXPERIMENTS
from classifiers.study.settings import as_json

ARTICLE = Path(__file__).parents[3] / "docs" / "study.md"


def test_tables_in_the_article_match_the_saved_numbers() -> None:
    text = ARTICLE.read_text(encoding="utf-8")
    numbers = json.loads((ARTICLE.parent / "study" / "numbers.json").read_text(encoding="utf-8"))
    assert numbers["settings"] == {part: as_json(experiment.full) for part, experiment in EXPERIMENTS.items()}
    for part, experiment in EXPERIMENTS.items():
        assert {len(runs) for runs in numbers[part].values()} == {experiment.seeds}
    assert article.replace_sections(text, article.sections(numbers, "study")) == text
    images = re.findall(r"^!\[.*\]\(study/.*\)\n\n(.*)$", text, re.MULTILINE)
    assert len(images) == 5
    assert all(line.startswith("**How to read this:** ") for line in images)

"""README and the pages in docs are right: links work, and commands and options exist."""

import io
import re
import shlex
from contextlib import suppress
from pathlib import Path

import click
import pytest
from babel import Locale

import train
from bot.cli import main as bot_main
from bot.i18n import LANGUAGES
from classifiers.cli import main as classifiers_main
from classifiers.errors import DatasetError
from classifiers.model_directory import PRETRAINED, read_manifest
from classifiers.training.datasets import load_dataset

ROOT = Path(__file__).parents[2]
DOCS = ROOT / "docs"
PAGES = (ROOT / "README.md", ROOT / "CONTRIBUTING.md", *sorted(DOCS.glob("*.md")))
USAGE = "\n".join(
    (ROOT / page).read_text(encoding="utf-8")
    for page in ("README.md", "docs/commands.md", "docs/running.md", "docs/training.md")
)
"""What tells of our command lines."""


def anchors(page: Path) -> set[str]:
    """Return the anchors of a page: its headings, written as GitHub does."""
    headings = re.findall(r"^#+ (.+)$", page.read_text(encoding="utf-8"), re.MULTILINE)
    return {re.sub(r"[^\w\- ]", "", heading.lower()).replace(" ", "-") for heading in headings}


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.stem)
def test_links_and_pictures_exist(page: Path) -> None:
    text = page.read_text(encoding="utf-8")
    broken = []
    for target in re.findall(r'(?:\]\(|src="|srcset=")(?!https?:)([^)"]+)[)"]', text):
        file, _, anchor = target.partition("#")
        path = page.parent / file if file else page
        if not path.exists() or (anchor and anchor not in anchors(path)):
            broken.append(target)
    assert broken == []


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.stem)
def test_each_dark_picture_precedes_its_light_one(page: Path) -> None:
    text = page.read_text(encoding="utf-8")
    pairs = re.findall(r'dark\)" srcset="(.+)-dark\.png">\s*<img src="(.+)\.png"', text)
    assert len(pairs) == text.count("-dark.png")
    assert [dark for dark, light in pairs if dark != light] == []


def test_readme_links_every_page() -> None:
    readme = PAGES[0].read_text(encoding="utf-8")
    linked_by_models = {"chat.md", "people.md", "ablations.md"}
    assert [
        page.name for page in PAGES[2:] if page.name not in linked_by_models and f"(docs/{page.name})" not in readme
    ] == []


def test_every_option_exists(capsys: pytest.CaptureFixture[str]) -> None:
    helps = ""
    for main, words in (
        (bot_main, ["--help"]),
        (bot_main, ["demo", "--help"]),
        (bot_main, ["dry-run", "--help"]),
        (bot_main, ["data", "export", "--help"]),
        (classifiers_main, ["compare", "--help"]),
        (classifiers_main, ["evaluate", "--help"]),
        (train.main, ["--help"]),
        (train.main, ["study", "--help"]),
    ):
        with suppress(SystemExit):
            main(words)
        helps += capsys.readouterr().out
    options = set(re.findall(r"(?<=[ `])--[a-z][a-z-]+", USAGE))
    assert len(options) > 10
    assert [option for option in options if option not in helps] == []


def test_training_commands_are_accepted_by_the_command_line(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    Path("my.csv").touch()
    Path("corpus").mkdir()
    commands = re.findall(r"^python train\.py(.*?)(?:#.*)?$", USAGE, re.MULTILINE)
    assert len(commands) == 10
    for command in commands:
        train.train.make_context("train", shlex.split(command))


def test_compare_commands_run_as_written(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr("sys.stdin", io.TextIOWrapper(io.BytesIO(b"not happy\n")))
    Path("chat.csv").write_text("text\nnot happy\n")
    commands = re.findall(r"python -m classifiers (compare [^`]*)`", USAGE)
    assert len(set(commands)) == 4
    for command in commands:
        assert classifiers_main(shlex.split(command)) == 0
        assert re.search("not (bad at all|happy)|Written to scored.csv: 1 ", capsys.readouterr().out)
    assert "rnn_joy" in Path("scored.csv").read_text()


def test_command_of_the_shipped_weights_is_documented() -> None:
    assert f"`{read_manifest(PRETRAINED).command}`" in (DOCS / "training.md").read_text(encoding="utf-8")


def test_all_languages_are_listed() -> None:
    listed = re.search(r"^The bot speaks .+\.$", (DOCS / "commands.md").read_text(encoding="utf-8"), re.MULTILINE)
    assert listed is not None
    names = {str(Locale.parse(catalogue).get_language_name("en")) for catalogue in ("en", *LANGUAGES.values())}
    assert [name for name in names if name not in listed[0]] == []
    assert len(names) == len(re.split(", | and ", listed[0]))


def test_every_built_in_data_set_is_documented() -> None:
    [option] = [each for each in train.train.params if each.name == "dataset"]
    page = (DOCS / "training.md").read_text(encoding="utf-8")
    with pytest.raises(DatasetError) as refused:
        load_dataset("nothing")
    names = re.findall(r"\b(\w+), ", str(refused.value).partition("give ")[2].partition("or the path")[0])
    assert names == ["builtin", "goemotions", "chat", "people"]
    assert isinstance(option, click.Option)
    assert [name for name in names if name not in str(option.help)] == []
    assert [name for name in names[1:] if not re.search(rf"^python train\.py .*\b{name}\b", page, re.MULTILINE)] == []

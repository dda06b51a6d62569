"""The lock files match pyproject.toml."""

import re
import tomllib
from pathlib import Path

import pytest
from packaging.requirements import Requirement
from packaging.utils import canonicalize_name

ROOT = Path(__file__).parents[1]
PROJECT = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]
EXTRAS = {"requirements.lock": ["dev"], "requirements-bot.lock": ["metrics", "postgres", "speed"]}
"""What each lock file holds besides what every installation needs."""

NOT_LOCKED = {"torch"}
"""Installed by .ci/install, by its exact version."""

STALE = "run .ci/lock --no-upgrade"


def wanted(extras: list[str]) -> list[Requirement]:
    """Return the requirements of the bare package and of extras, including those of other extras."""
    found = [Requirement(line) for line in PROJECT["dependencies"]]
    for extra in extras:
        for line in PROJECT["optional-dependencies"][extra]:
            requirement = Requirement(line)
            own = requirement.name == PROJECT["name"]
            found += wanted(sorted(requirement.extras)) if own else [requirement]
    return [requirement for requirement in found if requirement.name not in NOT_LOCKED]


def locked(file: str) -> list[tuple[Requirement, str]]:
    """Return each entry of a lock file and the rest of its block: hashes, and what requires it."""
    text = (ROOT / file).read_text(encoding="utf-8")
    blocks = re.findall(r"^(\S+==[^\\\n]+) \\\n((?:    .*\n)+)", text, re.MULTILINE)
    return [(Requirement(entry), rest) for entry, rest in blocks]


@pytest.mark.parametrize("file", EXTRAS)
def test_lock_file_has_a_release_for_every_requirement(file: str) -> None:
    versions: dict[str, list[str]] = {}
    for entry, _rest in locked(file):
        versions.setdefault(canonicalize_name(entry.name), []).append(str(entry.specifier).removeprefix("=="))
    for requirement in wanted(EXTRAS[file]):
        releases = versions.get(canonicalize_name(requirement.name), [])
        assert releases, f"{file} lacks {requirement.name}: {STALE}"
        assert all(release in requirement.specifier for release in releases), f"{file} breaks {requirement}: {STALE}"


@pytest.mark.parametrize("file", EXTRAS)
def test_lock_file_has_nothing_that_is_no_longer_required(file: str) -> None:
    direct = {canonicalize_name(entry.name) for entry, rest in locked(file) if "emobot (pyproject.toml)" in rest}
    assert direct == {canonicalize_name(each.name) for each in wanted(EXTRAS[file])}, STALE


@pytest.mark.parametrize("file", EXTRAS)
def test_every_locked_release_has_hashes_and_names_no_registry(file: str) -> None:
    text = (ROOT / file).read_text(encoding="utf-8")
    assert len(locked(file)) == len(re.findall("^[a-z0-9]", text, re.MULTILINE))
    assert all("--hash=sha256:" in rest for _entry, rest in locked(file))
    assert "://" not in text


def test_both_lock_files_name_the_same_releases() -> None:
    development = {str(entry) for entry, _rest in locked("requirements.lock")}
    names = {entry.name for entry, _rest in locked("requirements.lock")}
    bot = {str(entry) for entry, _rest in locked("requirements-bot.lock") if entry.name in names}
    assert len(bot) > 20
    assert sorted(bot - development) == []


def test_torch_has_one_version_everywhere() -> None:
    [pin] = [line for line in PROJECT["optional-dependencies"]["dev"] if line.startswith("torch")]
    assert f" {pin}\n" in (ROOT / ".ci" / "install").read_text(encoding="utf-8")

"""CONTRIBUTING.md and docs/architecture.md match the repository."""

import re
import shlex
import subprocess
import sys
import tomllib
from pathlib import Path

import pytest

import train

ROOT = Path(__file__).parents[1]
PAGES = ("CONTRIBUTING.md", "docs/architecture.md")
CI = (ROOT / ".ci" / "run").read_text(encoding="utf-8")
ELSEWHERE = {".venv", ".venv/bin/activate", "report.md", "__init__.py"}
"""What is named and does not stand there: a command makes it, or many folders have one."""


@pytest.mark.parametrize("page", PAGES)
def test_named_paths_exist(page: str) -> None:
    text = (ROOT / page).read_text(encoding="utf-8")
    words = {word for quoted in re.findall(r"`([^`\n]+)`", text) for word in quoted.split()}
    linked = re.findall(r"\]\((?!http)([^)]+)\)", text)
    paths = {word for word in words if re.fullmatch(r"\.?[\w-]+(/[\w.-]*)+|[\w-]*\.?\w+\.(py|md|toml|lock)", word)}
    assert len(paths) > 8
    missing = [path for path in sorted(paths | {*linked}) if not (ROOT / path).exists() and path not in ELSEWHERE]
    assert missing == []


def test_modules_of_the_mutation_testing_and_their_tests_exist() -> None:
    mutmut = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["tool"]["mutmut"]
    paths = [*mutmut["only_mutate"], *mutmut["pytest_add_cli_args_test_selection"], *mutmut["also_copy"]]
    assert [path for path in paths if not [*ROOT.glob(path)]] == []


def test_ci_runs_the_long_tests_too() -> None:
    assert 'PYTEST_ADDOPTS="--long ' in CI


def test_named_code_exists_in_its_file() -> None:
    text = (ROOT / "CONTRIBUTING.md").read_text(encoding="utf-8")
    names = re.findall(r"`(_?[A-Z]{4,}|(?:[A-Z][a-z]+){2,}|[a-z]+_[a-z_]+)`", text)
    sources = "\n".join(
        path.read_text(encoding="utf-8")
        for folder in ("bot", "classifiers", "docs", "tests")
        for path in (ROOT / folder).rglob("*.py")
    )
    assert {"KINDS", "ModelName", "setup_hook"} <= set(names)
    defined = r"^{name}\b.*= |^ *(async )?def {name}\b"
    assert [name for name in names if not re.search(defined.format(name=name), sources, re.MULTILINE)] == []


def test_training_commands_are_accepted_by_the_command_line() -> None:
    text = (ROOT / "CONTRIBUTING.md").read_text(encoding="utf-8")
    commands = re.findall(r"^python train\.py (.*)$", text, re.MULTILINE)
    models = [train.train.make_context("train", shlex.split(command)).params["models"] for command in commands]
    assert models == [("rnn", "gru"), ("rnn", "bilstm")]


def test_quick_checks_are_part_of_ci() -> None:
    text = (ROOT / "CONTRIBUTING.md").read_text(encoding="utf-8")
    hooks = re.findall(r"entry: ([^,]+),", (ROOT / ".pre-commit-config.yaml").read_text(encoding="utf-8"))
    assert len(hooks) == 4
    assert [hook for hook in hooks if f".venv/bin/{hook}\n" not in CI] == []
    assert [hook for hook in hooks if f"\n{hook.split(' --')[0].removesuffix(' .')}" not in text] == []


def test_test_files_import_heavy_libraries_only_inside_heavy_tests() -> None:
    heavy = re.compile(r"(?m)^(import|from) .*\b(keras|keras_backend|teacher|tensorflow|torch|transformers)\b")
    files = list((ROOT / "tests").rglob("*.py"))
    assert len(files) > 100
    assert [file.name for file in files if heavy.search(file.read_text(encoding="utf-8"))] == []


def test_folder_tree_has_every_package() -> None:
    page = (ROOT / "docs" / "architecture.md").read_text(encoding="utf-8")
    _, tree, _ = page.partition("## Where things are")[2].split("```\n", 2)
    folders = [file.parent.name for root in ("bot", "classifiers") for file in (ROOT / root).glob("*/__init__.py")]
    assert len(folders) > 8
    assert [folder for folder in folders if not re.search(rf"(^|\s){folder}/", tree)] == []


def test_folder_tree_has_only_folders_that_exist() -> None:
    page = (ROOT / "docs" / "architecture.md").read_text(encoding="utf-8")
    _, tree, _ = page.partition("## Where things are")[2].split("```\n", 2)
    root, missing, found = Path(), [], 0
    for line in tree.splitlines():
        if top := re.match(r"(\w+)/ ", line):
            root, folders = Path(), [top[1]]
        else:
            folders = re.findall(r"(?:^ |  )([a-z_]+)/", line)
        missing += [folder for folder in folders if not (ROOT / root / folder).is_dir()]
        found += len(folders)
        root = Path(top[1]) if top else root
    assert found > 20
    assert missing == []


def test_workflow_runs_ci_run() -> None:
    assert "- run: .ci/run\n" in (ROOT / ".github" / "workflows" / "ci.yml").read_text(encoding="utf-8")


def test_import_diagram_matches_the_code() -> None:
    pytest.importorskip("grimp", reason="run `pip install -e '.[dev]'` to check the diagram of the imports")
    script = ROOT / "docs" / "architecture.py"
    done = subprocess.run([sys.executable, script, "--check"], cwd=ROOT, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout + done.stderr

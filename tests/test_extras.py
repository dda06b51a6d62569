"""The extra for the tests is sufficient to collect them."""

import ast
import sys
from importlib.metadata import PackageNotFoundError, packages_distributions, requires
from pathlib import Path

from packaging.requirements import Requirement
from packaging.utils import canonicalize_name

from tests.test_lock import wanted

ROOT = Path(__file__).parents[1]
OURS = {"benchmarks", "bot", "classifiers", "docs", "tests", "train"}


def installed_with(requirements: list[Requirement]) -> set[str]:
    """Return the names of installed distributions that some others bring with them."""
    found: set[str] = set()
    waiting = list(requirements)
    while waiting:
        requirement = waiting.pop()
        name = canonicalize_name(requirement.name)
        if name in found:
            continue
        try:
            further = [Requirement(line) for line in requires(name) or ()]
        except PackageNotFoundError:
            continue
        found.add(name)
        waiting += [each for each in further if each.marker is None or each.marker.evaluate({"extra": ""})]
    return found


def imported(folder: str) -> set[str]:
    """Return the packages that the modules of a folder import at the top, unless they are skipped without one."""
    names = set()
    for path in (ROOT / folder).rglob("*.py"):
        for statement in ast.parse(path.read_text(encoding="utf-8")).body:
            definition = isinstance(statement, ast.FunctionDef | ast.AsyncFunctionDef | ast.ClassDef)
            if not definition and "importorskip" in ast.unparse(statement):
                break
            if isinstance(statement, ast.Import):
                names |= {alias.name.partition(".")[0] for alias in statement.names}
            elif isinstance(statement, ast.ImportFrom):
                names.add(str(statement.module).partition(".")[0])
    return names - OURS - set(sys.stdlib_module_names)


def test_extra_for_tests_has_every_import_of_tests_and_benchmarks() -> None:
    distributions = packages_distributions()
    here = installed_with(wanted(["test"]))
    missing = {
        name
        for name in imported("tests") | imported("benchmarks")
        if not here & {canonicalize_name(each) for each in distributions.get(name, [name])}
    }
    assert missing == set()

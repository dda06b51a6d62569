""".ci/audit.py, which looks for known vulnerabilities of installed packages."""

from __future__ import annotations

import importlib.util
import json
from pathlib import Path
from typing import Any

import pytest

ROOT = Path(__file__).parents[1]
FLAW = {"id": "PYSEC-2026-1", "fix_versions": ["1.2.1"], "aliases": [], "description": ""}
SOUND = {"name": "sound", "version": "1.0", "vulns": []}
UNKNOWN = {"name": "unknown", "skip_reason": "Dependency not found"}


@pytest.fixture(scope="module")
def audit() -> Any:
    spec = importlib.util.spec_from_file_location("audit", ROOT / ".ci" / "audit.py")
    assert spec
    assert spec.loader
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def report(*releases: dict[str, Any]) -> str:
    return json.dumps({"dependencies": releases, "fixes": []})


def test_known_vulnerability_fails_and_is_reported_with_its_fix(audit: Any) -> None:
    text, status = audit.verdict(report(SOUND, {"name": "broken", "version": "1.2", "vulns": [FLAW]}), "Found 1")
    assert status == 1
    assert text.splitlines() == [
        "Vulnerabilities: 1 known in 2 of 2 releases.",
        "  broken 1.2: PYSEC-2026-1, fixed in 1.2.1",
    ]


def test_clean_audit_reports_the_number_of_packages(audit: Any) -> None:
    assert audit.verdict(report(SOUND, UNKNOWN), "") == ("Vulnerabilities: 0 known in 1 of 2 releases.", 0)


@pytest.mark.parametrize(
    ("output", "errors"),
    [
        ("", "Traceback ...\nrequests.exceptions.ConnectionError: HTTPSConnectionPool(...)"),
        ("", "ERROR:pip_audit._cli:Could not connect to the service"),
        (report(UNKNOWN), "No known vulnerabilities found"),
    ],
)
def test_unavailable_service_is_reported_with_the_reason(audit: Any, output: str, errors: str) -> None:
    text, status = audit.verdict(output, errors)
    assert (text.startswith("Vulnerabilities: not checked, because the service "), status) == (True, 0)


def test_any_other_failure_of_the_audit_fails(audit: Any) -> None:
    assert audit.verdict("", "No module named pip_audit") == (
        "Vulnerabilities: pip-audit failed.\nNo module named pip_audit",
        1,
    )

"""Fail if a release that is installed with this Python has a known vulnerability; say so if the service is down."""

from __future__ import annotations

import json
import subprocess
import sys
from typing import Any

_COMMAND = (sys.executable, "-m", "pip_audit", "--local", "--skip-editable", "--format=json", "--progress-spinner=off")

_UNREACHABLE = ("requests.exceptions.", "ERROR:pip_audit._cli:Could not connect")
"""How the last line of pip-audit's errors begins if it cannot reach the service."""


def verdict(output: str, errors: str) -> tuple[str, int]:
    """Return a summary of a run of pip-audit, and the exit status.

    Args:
        output: what it printed on standard output: a report as JSON, or nothing if it failed.
        errors: what it printed on standard error.
    """
    if not output.strip():
        last = errors.strip().rpartition("\n")[2]
        if last.startswith(_UNREACHABLE):
            return (
                f"Vulnerabilities: not checked, because the service cannot be reached ({last.partition(':')[0]}).",
                0,
            )
        return f"Vulnerabilities: pip-audit failed.\n{errors}", 1
    releases: list[dict[str, Any]] = json.loads(output)["dependencies"]
    known = [release for release in releases if "skip_reason" not in release]
    if not known:
        return f"Vulnerabilities: not checked, because the service knows none of {len(releases)} releases.", 0
    found = [
        f"  {release['name']} {release['version']}: {flaw['id']}, fixed in {', '.join(flaw['fix_versions']) or 'none'}"
        for release in known
        for flaw in release["vulns"]
    ]
    summary = f"Vulnerabilities: {len(found)} known in {len(known)} of {len(releases)} releases."
    return "\n".join((summary, *found)), 1 if found else 0


def main() -> int:
    """Run pip-audit on the environment of this Python, and return the exit status."""
    done = subprocess.run(_COMMAND, capture_output=True, text=True, check=False)
    text, status = verdict(done.stdout, done.stderr)
    print(text)
    return status


if __name__ == "__main__":
    sys.exit(main())

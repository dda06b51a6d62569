from __future__ import annotations

import pytest

from benchmarks.fault_injection.databases import PostgresDatabase
from benchmarks.fault_injection.faults import COUNTS_AT_RISK, faults, lost_before

FAULTS = {fault.name: fault for fault in faults(PostgresDatabase)}


@pytest.mark.parametrize(
    ("names", "seconds"),
    [
        (["gateway cut", "database locked"], 0.0),
        (["SIGTERM", "gateway cut"], 1.0),
        (["SIGTERM", "database locked"], COUNTS_AT_RISK),
        (["PostgreSQL restarted", "SIGTERM twice"], COUNTS_AT_RISK),
        (["kill -9"], COUNTS_AT_RISK),
    ],
)
def test_seconds_of_counts_that_may_be_lost_depend_on_the_faults(names: list[str], seconds: float) -> None:
    assert lost_before([FAULTS[name] for name in names]) == seconds

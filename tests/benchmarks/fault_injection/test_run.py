from __future__ import annotations

from pathlib import Path

import pytest

from benchmarks.fault_injection import run
from benchmarks.fault_injection.databases import SQLiteFile
from benchmarks.fault_injection.faults import faults
from benchmarks.fault_injection.run import FaultPlan, FaultResult, run_faults


@pytest.mark.long
async def test_a_bot_that_keeps_its_promises_passes_a_fault(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(run, "_LEAD_TIME", 0.2)
    monkeypatch.setattr(run, "_POLL_INTERVAL", 0.1)
    [fault] = [fault for fault in faults(SQLiteFile) if fault.name == "frame: no JSON in the stream"]
    results: list[FaultResult] = []
    plan = FaultPlan([fault], seconds=0, rate=30)
    report = await run_faults(tmp_path, SQLiteFile(tmp_path / "emobot.db"), plan, results.append)
    assert report.broken == [], report.log
    assert report.results == results
    assert [result.faults for result in results] == [[fault.name]]
    assert 0 < report.reacted < report.counted < report.written
    assert report.starts == 1

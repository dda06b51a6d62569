import json
from pathlib import Path

from classifiers.study.runs import Run, execute_runs
from classifiers.study.settings import FULL, QUICK


def test_several_processes_give_the_results_of_one(tmp_path: Path) -> None:
    found = []
    for jobs in (1, 2):
        folder = tmp_path / str(jobs)
        folder.mkdir()
        runs = [Run("memory", "glorot", seed, QUICK, folder / f"{seed}.json") for seed in range(2)]
        assert len(list(execute_runs(runs, jobs))) == 2
        found.append([{**(run.saved_result() or {}), "seconds": 0} for run in runs])
    assert found[0] == found[1]


def test_nothing_is_left_to_execute_after_a_complete_study() -> None:
    assert list(execute_runs([], jobs=2)) == []


def test_runs_of_other_settings_or_in_damaged_files_are_repeated(tmp_path: Path) -> None:
    run = Run("memory", "glorot", 0, QUICK, tmp_path / "run.json")
    assert run.saved_result() is None
    run.execute()
    assert run.saved_result() is not None
    assert Run("memory", "glorot", 0, FULL, run.file).saved_result() is None
    content = run.file.read_text()
    record = json.loads(content)
    for damaged in (
        content[:-5],
        "[" * 100_000,
        "[]",
        '"settings"',
        json.dumps({"settings": record["settings"]}),
        json.dumps(record | {"seconds": "long"}),
        json.dumps(record | {"accuracy": [0.5]}),
        json.dumps(record | {"start": {}}),
    ):
        run.file.write_text(damaged)
        assert run.saved_result() is None, damaged[:50]

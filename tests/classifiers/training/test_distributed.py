"""Two processes that train together on the loopback address, compared with one that trains alone."""

import os
import signal
import socket
import subprocess
import sys
from contextlib import ExitStack
from pathlib import Path
from types import ModuleType

import numpy as np
import pytest

from tests.classifiers.training import one_worker
from tests.classifiers.training.one_worker import LABELS, PLAN, UNITS, VOCABULARY

ROOT = Path(__file__).parents[3]


def free_ports(count: int) -> list[str]:
    with ExitStack() as stack:
        sockets = [stack.enter_context(socket.socket()) for _ in range(count)]
        for each in sockets:
            each.bind(("127.0.0.1", 0))
        return [str(each.getsockname()[1]) for each in sockets]


def run_workers(count: int, folder: Path) -> None:
    """Run that many processes of `one_worker` until they end."""
    module = [sys.executable, "-m", "tests.classifiers.training.one_worker"]
    ports = free_ports(count)
    environment = os.environ | {"PYTHONPATH": str(ROOT), "CUDA_VISIBLE_DEVICES": "-1", "TF_CPP_MIN_LOG_LEVEL": "3"}
    with ExitStack() as stack:
        processes = []
        for index in range(count):
            command = [*module, str(index), *ports, str(folder)]
            process = stack.enter_context(subprocess.Popen(command, env=environment, stderr=subprocess.PIPE, cwd=ROOT))
            stack.callback(process.kill)
            processes.append(process)
        for process in processes:
            _, errors = process.communicate(timeout=300)
            expected = -signal.SIGTERM if process is processes[-1] else 0
            assert process.returncode == expected, errors.decode()


@pytest.mark.long
@pytest.mark.heavy
def test_two_processes_reach_the_weights_of_one(tmp_path: Path, keras_models: ModuleType) -> None:
    """With the same batches, one of which has fewer texts than there are processes; one test, because it is slow."""
    (tmp_path / "files-0" / "rnn").mkdir(parents=True)
    (tmp_path / "files-0" / "rnn" / "history.json").write_bytes(b"a history\xff")
    (tmp_path / "files-0" / "empty").touch()
    run_workers(2, tmp_path)

    start = one_worker.start().params
    model = keras_models.build("rnn", VOCABULARY, PLAN.embedding, LABELS, units=UNITS)
    keras_models.load(model, start)
    alone = keras_models.Trainer(model, PLAN, multi_label=True)
    examples = one_worker.examples()
    losses = [loss for number in (1, 2) for loss in alone.train_epoch(examples, number)]
    for index in range(2):
        together = np.load(tmp_path / f"{index}.npz")
        np.testing.assert_allclose(together["losses"], losses, atol=1e-6)
        np.testing.assert_allclose(together["logits"], alone.logits(examples.sequences), atol=1e-5)
        for name, array in keras_models.params(model).items():
            np.testing.assert_allclose(together[name], array, atol=1e-5, err_msg=name)
            assert np.abs(array - start[name]).max() > 1e-2, f"{name} is not put to the test"

    received = {path.name: path.read_bytes() for path in (tmp_path / "files-1").rglob("*") if path.is_file()}
    assert received == {"history.json": b"a history\xff", "empty": b""}
    assert (tmp_path / "files-1" / "rnn" / "history.json").exists()
    for index in range(2):
        assert "different seeds" in (tmp_path / f"{index}.differ").read_text()
    assert (tmp_path / "0.lost").read_text() == "Another worker is lost.", "the last one was terminated"


@pytest.mark.heavy
def test_signal_handled_outside_python_ends_the_process_afterwards(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    from classifiers.training import distributed

    monkeypatch.setattr(signal, "getsignal", lambda _: None)
    with distributed._signals_to_system():
        pass
    assert signal.signal(signal.SIGTERM, signal.SIG_DFL) == signal.SIG_DFL

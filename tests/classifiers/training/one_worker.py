"""One process of `test_distributed`: python -m tests.classifiers.training.one_worker INDEX PORT PORT FOLDER.

It trains with the others and writes its result to the folder, under its number. The last process then ends itself by
SIGTERM, while the others wait for its answer.
"""

from __future__ import annotations

import json
import os
import signal
import sys
import time
from pathlib import Path
from typing import Any

import numpy as np

from classifiers.errors import ClassifiersError, WorkerLostError
from classifiers.nn import network
from classifiers.nn.batching import Examples
from classifiers.training.recipes import Recipe

PLAN = Recipe(2, 4, 1e-2, 4, dropout=0.0, word_dropout=0.1, weight_decay=0.01, clip_norm=0.1)
VOCABULARY, LABELS, UNITS = 30, 3, 6


def examples() -> Examples:
    """Return nine texts in three batches; the last has one, for two processes."""
    rng = np.random.default_rng(1)
    sequences = [rng.integers(2, VOCABULARY, length).tolist() for length in (2, 5, 3, 7, 1, 4, 6, 2, 8)]
    return Examples(sequences, (rng.random((len(sequences), LABELS)) < 0.4).astype(np.float32))


def start() -> network.Network:
    """Return the network before training."""
    return network.build("rnn", VOCABULARY, PLAN.embedding, LABELS, np.random.default_rng(0), units=UNITS)


def main(index: int, ports: list[str], folder: Path) -> None:
    """Train as one worker."""
    addresses = [f"127.0.0.1:{port}" for port in ports]
    task = {"type": "worker", "index": index}
    os.environ["TF_CONFIG"] = json.dumps({"cluster": {"worker": addresses}, "task": task})

    import tensorflow as tf

    from classifiers.training import distributed, keras_backend  # after TF_CONFIG is set
    from classifiers.training.cluster import read_cluster

    tf.config.optimizer.set_experimental_options({"disable_meta_optimizer": True})  # optimising the graph takes long
    cluster = read_cluster(os.environ)
    assert cluster
    workers = distributed.Workers(cluster)

    model = keras_backend.build("rnn", VOCABULARY, PLAN.embedding, LABELS, units=UNITS)
    keras_backend.load(model, start().params)
    trainer = distributed.Trainer(model, PLAN, True, workers)
    data = examples()
    losses = [loss for number in (1, 2) for loss in trainer.train_epoch(data, number)]
    logits = trainer.logits(data.sequences)
    results: dict[str, Any] = {"losses": losses, "logits": logits, **keras_backend.params(model)}
    np.savez(folder / f"{index}.npz", **results)

    own = folder / f"files-{index}"
    workers.send_files(own)
    workers.agree("seeds", "7")
    try:
        workers.agree("seeds", str(index))
    except ClassifiersError as error:
        (folder / f"{index}.differ").write_text(str(error))
    if index == len(ports) - 1:
        while not all((folder / f"{each}.differ").exists() for each in range(len(ports))):
            time.sleep(0.01)  # the others might lose this one before they have compared
        os.kill(os.getpid(), signal.SIGTERM)
    try:
        while True:
            trainer.step(np.ones((2, 1), np.int32), data.targets[:2], 0.0)
    except WorkerLostError as error:
        (folder / f"{index}.lost").write_text(str(error))


if __name__ == "__main__":
    main(int(sys.argv[1]), sys.argv[2:-1], Path(sys.argv[-1]))

import json

import pytest

from classifiers.errors import ClassifiersError
from classifiers.training.cluster import Cluster, read_cluster

WORKERS = {"worker": ["first:2222", "10.0.0.2:2222", "[::1]:2222"]}


def read(cluster: object, task: object) -> Cluster | None:
    return read_cluster({"TF_CONFIG": json.dumps({"cluster": cluster, "task": task})})


@pytest.mark.parametrize("environment", [{}, {"TF_CONFIG": ""}, {"TF_CONFIG": " {} "}])
def test_process_trains_alone_by_default(environment: dict[str, str]) -> None:
    assert read_cluster(environment) is None


def test_first_worker_is_the_chief() -> None:
    assert read(WORKERS, {"type": "worker", "index": 0}) == Cluster(0, 3)
    assert read(WORKERS, {"type": "worker", "index": 2}) == Cluster(2, 3)
    chief = {"chief": ["zeroth:2222"], **WORKERS}
    assert read(chief, {"type": "chief", "index": 0}) == Cluster(0, 4)
    assert read(chief, {"type": "worker", "index": 0}) == Cluster(1, 4)
    assert [Cluster(index, 2).is_chief for index in range(2)] == [True, False]


@pytest.mark.parametrize(
    ("cluster", "task", "why"),
    [
        (WORKERS, {"type": "worker", "index": 3}, "the cluster has no worker 3"),
        (WORKERS, {"type": "chief", "index": 0}, "the cluster has no chief 0"),
        (WORKERS, {"type": "ps", "index": 0}, "type"),
        (WORKERS, {"type": "worker"}, "index"),
        (WORKERS, {"type": "worker", "index": "0"}, "index"),
        (WORKERS, {"type": "worker", "index": -1}, "index"),
        ({"worker": ["one:1", "one:1"]}, {"type": "worker", "index": 0}, "two processes have one address"),
        ({"worker": ["one"]}, {"type": "worker", "index": 0}, "'one' is not a host with a port"),
        ({"ps": ["one:1"]}, {"type": "worker", "index": 0}, "ps"),
        ([], {"type": "worker", "index": 0}, "array"),
    ],
)
def test_wrong_tf_config_is_reported_in_one_sentence(cluster: object, task: object, why: str) -> None:
    with pytest.raises(ClassifiersError, match=why) as raised:
        read(cluster, task)
    assert str(raised.value).startswith("TF_CONFIG cannot be used (")
    assert "\n" not in str(raised.value)


@pytest.mark.parametrize("value", ["worker", "[]", "{", "\udcff", "null"])
def test_tf_config_that_is_not_an_object_is_refused(value: str) -> None:
    with pytest.raises(
        ClassifiersError, match=r"^TF_CONFIG cannot be used \(.+\): unset it to train alone, or set one like"
    ):
        read_cluster({"TF_CONFIG": value})

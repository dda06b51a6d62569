"""Training texts streamed from Parquet files."""

from collections import Counter
from itertools import islice
from pathlib import Path
from types import ModuleType
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

import train
from classifiers.errors import DatasetError
from classifiers.nn.batching import UNKNOWN
from classifiers.text import Tokenizer
from classifiers.training.cluster import Cluster
from classifiers.training.datasets import Dataset, Split
from classifiers.training.tables import Columns

pytestmark = pytest.mark.heavy

LABELS = ("joy", "sadness", "neutral")
WORDS = [f"w{chr(97 + number // 26)}{chr(97 + number % 26)}" for number in range(120)]
"""Each of them is one token, the first of its text, by which the text is known."""


@pytest.fixture(scope="session")
def streaming() -> ModuleType:
    """Return `classifiers.training.shards`, imported by the first test that needs it and by no other process."""
    from classifiers.training import shards

    return shards


@pytest.fixture
def corpus(tmp_path: Path) -> Path:
    """Return a folder of four shards with 30 texts each, of 1 to 3 words."""
    folder = tmp_path / "corpus"
    folder.mkdir()
    for shard in range(4):
        texts = [
            " ".join([word, "and", "so"][: 1 + place % 3]) for place, word in enumerate(WORDS) if place % 4 == shard
        ]
        labels = [LABELS[place % 3] for place in range(120) if place % 4 == shard]
        write(folder / f"{shard}.parquet", texts, labels)
    (folder / "notes.txt").touch()
    return folder


def write(path: Path, texts: list[Any], labels: list[Any]) -> None:
    pq.write_table(pa.table({"label": labels, "text": texts, "more": range(len(texts))}), path)


def find(streaming: ModuleType, folder: Path, *, least: int = 1, multi_label: bool = True) -> Any:
    tokenizer = Tokenizer([*WORDS, "and", "so"], max_tokens=8)
    targets = np.eye(len(LABELS), dtype=np.float32) + np.float32(multi_label)
    texts = Split(("so",) * len(LABELS), np.minimum(targets, 1))
    dataset = Dataset("feelings", LABELS, texts, texts, texts, "")
    return streaming.find_shards(folder, Columns(), dataset, tokenizer, least)


def batches(shards: Any, count: int, cluster: Cluster = Cluster(), size: int = 10) -> list[Any]:  # noqa: B008 - frozen
    return list(islice(shards.batches(size, np.random.default_rng(0), 0.0, cluster), count))


def first_words(found: list[Any]) -> Counter[int]:
    return Counter(int(number) for batch, _ in found for number in batch.ids[0])


@pytest.mark.parametrize("buffer", [50, 60])
def test_batches_contain_every_text_once_with_similar_lengths(
    streaming: ModuleType, corpus: Path, monkeypatch: pytest.MonkeyPatch, buffer: int
) -> None:
    monkeypatch.setattr(streaming, "ROWS_PER_READ", 7)
    monkeypatch.setattr(streaming, "SHUFFLE_BUFFER", buffer)
    shards = find(streaming, corpus)
    assert len(shards) == 120
    found = batches(shards, 12)
    assert first_words(found) == Counter(range(2, 122))
    assert {batch.ids.shape[1] for batch, _ in found} == {10}
    assert sum(len(set(batch.lengths)) == 1 for batch, _ in found) >= 6
    for batch, targets in found:
        places = batch.ids[0] - 2
        np.testing.assert_array_equal(batch.lengths, 1 + places % 3)
        np.testing.assert_array_equal(targets, np.eye(3)[places % 3])
    assert first_words(batches(shards, 24)) == Counter([*range(2, 122)] * 2), "then all over again"


@pytest.mark.parametrize("kept", [1, 3])
def test_no_text_comes_twice_in_an_epoch_if_there_are_fewer_shards_than_are_read_in_turn(
    streaming: ModuleType, corpus: Path, monkeypatch: pytest.MonkeyPatch, kept: int
) -> None:
    monkeypatch.setattr(streaming, "ROWS_PER_READ", 7)
    for shard in range(kept, 4):
        (corpus / f"{shard}.parquet").unlink()
    shards = find(streaming, corpus)
    words = first_words(batches(shards, 3 * kept))
    assert len(words) == 30 * kept
    assert set(words.values()) == {1}


def test_each_process_reads_shards_of_its_own(streaming: ModuleType, corpus: Path) -> None:
    shards = find(streaming, corpus, least=2)
    shares = [first_words(batches(shards, 6, Cluster(index, 2))) for index in range(2)]
    assert shares[0] + shares[1] == Counter(range(2, 122))
    assert not shares[0] & shares[1]


def test_words_are_dropped_at_random(streaming: ModuleType, corpus: Path) -> None:
    found = next(find(streaming, corpus).batches(120, np.random.default_rng(0), 0.5, Cluster()))[0]
    assert 20 < (found.ids[0] == UNKNOWN).sum() < 100


def test_label_cells_are_read_as_in_other_files(streaming: ModuleType, tmp_path: Path) -> None:
    texts = pa.array(["waa", None, "so"]).cast(pa.dictionary(pa.int8(), pa.string()))
    write(tmp_path / "a.parquet", texts, [["joy"], ["Joy", "sadness"], ["neutral"]])
    [(batch, targets)] = batches(find(streaming, tmp_path), 1, size=3)
    seen = {int(word): target for word, target in zip(batch.ids[0], targets.tolist(), strict=True)}
    assert seen == {2: [1, 0, 0], UNKNOWN: [1, 1, 0], 123: [0, 0, 1]}


def test_fingerprint_differs_between_corpora(streaming: ModuleType, corpus: Path) -> None:
    first = find(streaming, corpus).fingerprint
    assert find(streaming, corpus).fingerprint == first
    (corpus / "3.parquet").rename(corpus / "4.parquet")
    assert find(streaming, corpus).fingerprint != first


@pytest.mark.parametrize(
    ("labels", "sentence"),
    [
        (["joy", "anger"], "a.parquet: 'anger' is not one of the labels of the data set."),
        (["joy", ""], "a.parquet: a label is empty"),
        (
            ["joy", "joy,sadness"],
            "a.parquet: 'joy,sadness' are several labels, where the data set has one for each text.",
        ),
    ],
)
def test_bad_label_is_reported_in_one_sentence(
    labels: list[str], sentence: str, streaming: ModuleType, tmp_path: Path
) -> None:
    write(tmp_path / "a.parquet", ["waa", "wab"], labels)
    with pytest.raises(DatasetError) as raised:
        batches(find(streaming, tmp_path, multi_label=False), 1)
    assert sentence in str(raised.value)


def test_bad_folders_are_reported_in_one_sentence(streaming: ModuleType, tmp_path: Path) -> None:
    with pytest.raises(DatasetError, match=r"has no files that end in .parquet\.$"):
        find(streaming, tmp_path)
    write(tmp_path / "a.parquet", [], [])
    with pytest.raises(DatasetError, match=r"a.parquet has no rows: delete it."):
        find(streaming, tmp_path)
    with pytest.raises(DatasetError, match="each of the 2 workers needs one"):
        find(streaming, tmp_path, least=2)
    write(tmp_path / "a.parquet", ["waa"], ["joy"])
    (tmp_path / "b.parquet").write_text("text")
    with pytest.raises(DatasetError, match=r"b.parquet cannot be read as Parquet: "):
        find(streaming, tmp_path)
    pq.write_table(pa.table({"text": ["waa"]}), tmp_path / "b.parquet")
    with pytest.raises(DatasetError, match=r"b.parquet has no column 'label'; .* yours with --label-column\."):
        find(streaming, tmp_path)


@pytest.mark.usefixtures("blank_figures", "made_up_baselines", "one_layer")
def test_network_can_be_trained_on_shards(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    """Called as a user would, although the data set is far too small for shards."""
    monkeypatch.chdir(tmp_path)
    feelings = [("so happy", "joy"), ("so sad", "sadness")]
    rows = "".join(f"{text},{label},{split}\n" for split in ("train", "dev", "test") for text, label in feelings * 3)
    Path("feelings.csv").write_text(f"text,label,split\n{rows}")
    Path("corpus").mkdir()
    texts, labels = zip(*feelings * 500, strict=True)
    write(Path("corpus/a.parquet"), list(texts), list(labels))
    options = ["--dataset", "feelings.csv", "--shards", "corpus", "--model", "rnn", "--epochs", "1", "--embedding", "4"]
    assert train.main([*options, "--batch-size", "50", "--learning-rate", "0.01", "--out", "models"]) == 0
    shown = capsys.readouterr().out
    assert "1,000 texts in 1 shard to learn from" in shown
    assert "RNN on test: macro-F1 1.000" in shown

from __future__ import annotations

import hashlib
import sys
import threading
from collections.abc import Iterator
from functools import partial
from http.server import SimpleHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import numpy as np
import pooch
import pytest

from classifiers.emotions import LABELS
from classifiers.errors import DatasetError, MissingExtraError
from classifiers.training import goemotions
from classifiers.training.datasets import Dataset, load_dataset

ROWS = {
    "train": ("Such a nice day! 😀\t17\tid1\nWho did “this”?\t6,7\tid2\n", 2),
    "dev": ('"No, he said\t27\tid3\n', 1),
    "test": ("I'm sorry,\u2028really\t24\tid4\n", 1),
}


class TestGoEmotions:
    """With files of the same format and four rows, whose hashes replace the real ones."""

    @pytest.fixture(autouse=True)
    def folder(self, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
        folder = tmp_path / "data" / "goemotions"
        folder.mkdir(parents=True)
        for split, (content, _) in ROWS.items():
            (folder / f"{split}.tsv").write_bytes(content.encode())
        hashes = {f"{each}.tsv": hashlib.sha256(ROWS[each][0].encode()).hexdigest() for each in ROWS}
        monkeypatch.setattr(goemotions, "GOEMOTIONS_SHA256", hashes)
        monkeypatch.setattr(pooch, "os_cache", lambda name: tmp_path / "cache" / name)
        monkeypatch.delenv("EMOBOT_DATA_DIR", raising=False)
        return folder

    @pytest.fixture
    def served(self, folder: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[list[str]]:
        """Serve the files on the loopback address; yield the paths that were requested."""
        asked: list[str] = []

        class Handler(SimpleHTTPRequestHandler):
            def log_message(self, *_: object) -> None:
                asked.append(self.path)

        with ThreadingHTTPServer(("127.0.0.1", 0), partial(Handler, directory=folder)) as server:
            threading.Thread(target=server.serve_forever, args=(0.01,), daemon=True).start()
            monkeypatch.setattr(goemotions, "GOEMOTIONS_URL", f"http://127.0.0.1:{server.server_port}/")
            yield asked
            server.shutdown()

    def _check(self, dataset: Dataset) -> None:
        assert dataset.name == "goemotions"
        assert dataset.labels == LABELS
        assert dataset.multi_label
        assert [len(dataset.train), len(dataset.dev), len(dataset.test)] == [2, 1, 1]
        assert dataset.train.texts == ("Such a nice day! 😀", "Who did “this”?")
        assert dataset.dev.texts == ('"No, he said',)
        assert dataset.test.texts == ("I'm sorry,\u2028really",)
        assert [LABELS[column] for column in np.flatnonzero(dataset.train.targets[0])] == ["joy"]
        assert [LABELS[column] for column in np.flatnonzero(dataset.train.targets[1])] == [
            "confusion",
            "curiosity",
        ]
        assert [LABELS[column] for column in np.flatnonzero(dataset.dev.targets[0])] == ["neutral"]
        whole = "".join(content for content, _ in ROWS.values())
        assert dataset.sha256 == hashlib.sha256(whole.encode()).hexdigest()

    def test_files_are_read_from_a_given_folder(self, folder: Path) -> None:
        self._check(load_dataset("goemotions", data_dir=folder.parent))

    def test_files_are_read_from_the_folder_in_the_environment(
        self, folder: Path, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.setenv("EMOBOT_DATA_DIR", str(folder.parent))
        self._check(load_dataset("goemotions"))

    def test_file_with_another_hash_is_refused(self, folder: Path) -> None:
        (folder / "dev.tsv").write_text("other\t1\tid\n")
        with pytest.raises(DatasetError, match=r"dev\.tsv is not GoEmotions' dev\.tsv .*SHA-256"):
            load_dataset("goemotions", data_dir=folder.parent)

    def test_a_missing_file_is_named(self, folder: Path) -> None:
        (folder / "test.tsv").unlink()
        with pytest.raises(DatasetError, match=r"There is no goemotions/test\.tsv in .*unset EMOBOT_DATA_DIR"):
            load_dataset("goemotions", data_dir=folder.parent)

    def test_data_set_is_downloaded_once(self, served: list[str]) -> None:
        self._check(load_dataset("goemotions"))
        assert served == ["/train.tsv", "/dev.tsv", "/test.tsv"]
        self._check(load_dataset("goemotions"))
        assert len(served) == 3

    def test_a_download_with_another_hash_is_refused(self, served: list[str], folder: Path) -> None:
        (folder / "train.tsv").write_text("tampered\t1\tid\n")
        with pytest.raises(DatasetError, match=r"could not be downloaded .*set EMOBOT_DATA_DIR"):
            load_dataset("goemotions")
        assert served == ["/train.tsv"]

    def test_missing_pooch_is_reported_with_the_extra(self, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setitem(sys.modules, "pooch", None)
        with pytest.raises(MissingExtraError, match=r"^Downloading GoEmotions needs more .*emobot\[train\]"):
            load_dataset("goemotions")

    def test_failed_download_is_reported_with_what_to_do(self, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setattr(goemotions, "GOEMOTIONS_URL", "http://127.0.0.1:9/")
        with pytest.raises(DatasetError) as caught:
            load_dataset("goemotions")
        assert str(caught.value) == (
            "GoEmotions could not be downloaded from http://127.0.0.1:9/ (ConnectionError): try again later, "
            "or put train.tsv, dev.tsv and test.tsv into a folder goemotions and set EMOBOT_DATA_DIR "
            "to the folder around it."
        )

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path

import pytest

from classifiers.errors import DatasetError
from classifiers.training.datasets import Dataset, load_dataset

TEST_TEXTS = ("text number 2", "text number 9", "text number 25")


class TestSmallSplit:
    """Files in which no row has a split, or no row is for dev."""

    def _load(self, folder: Path, rows: Iterable[str], header: str = "text\tlabel") -> Dataset:
        path = folder / "mine.tsv"
        path.write_text("\n".join([header, *rows]))
        return load_dataset(path)

    def test_every_label_is_in_every_part(self, tmp_path: Path) -> None:
        rows = [
            f"text {number}\t{label}"
            for label, count in (("joy", 29), ("fear", 24), ("zeal", 5))
            for number in range(count)
        ]
        rows = [f"{row.split(chr(9))[1]} {row}" for row in rows]
        dataset = self._load(tmp_path, rows)
        assert dataset.labels == ("fear", "joy", "zeal")
        assert dataset.train.targets.sum(axis=0).tolist() == [14, 17, 3]
        assert dataset.dev.targets.sum(axis=0).tolist() == [5, 6, 1]
        assert dataset.test.targets.sum(axis=0).tolist() == [5, 6, 1]

    def test_split_does_not_depend_on_row_order_or_process(self, tmp_path: Path) -> None:
        rows = [f"text number {number}\t{'joy' if number % 2 else 'fear'}" for number in range(58)]
        one, other = self._load(tmp_path, rows), self._load(tmp_path, reversed(rows))
        assert set(one.test.texts) == set(other.test.texts)
        assert one.test.texts[:3] == ("text number 3", "text number 7", "text number 11")

    def test_equal_texts_stay_in_one_split(self, tmp_path: Path) -> None:
        rows = [f"text {number}\t{'joy' if number % 2 else 'fear'}" for number in range(40)]
        dataset = self._load(tmp_path, [*rows, *rows, "text 3\tfear"])
        assert len(dataset.train) + len(dataset.dev) + len(dataset.test) == 81
        parts = [set(split.texts) for split in (dataset.train, dataset.dev, dataset.test)]
        assert sum(map(len, parts)) == len(set.union(*parts)) == 40

    def test_texts_that_differ_only_in_case_and_spaces_stay_in_one_split(self, tmp_path: Path) -> None:
        """The networks read them as equal, so they would be tested on what they have learnt."""
        rows = [f"Text  {number}\t{'joy' if number % 2 else 'fear'}" for number in range(40)]
        copies = [row.upper() if number % 2 else row.replace("  ", " ") for number, row in enumerate(rows)]
        dataset = self._load(tmp_path, [*rows, *copies], "text\tlabel")
        assert len(dataset.train) + len(dataset.dev) + len(dataset.test) == 80
        parts = [
            {" ".join(text.lower().split()) for text in split.texts}
            for split in (dataset.train, dataset.dev, dataset.test)
        ]
        assert sum(map(len, parts)) == len(set.union(*parts)) == 40

    def test_train_serves_as_dev_if_there_are_too_few_rows(self, tmp_path: Path) -> None:
        dataset = self._load(tmp_path, ["a\tjoy", "b\tjoy", "c\tfear"])
        assert (len(dataset.train), len(dataset.test)) == (2, 1)
        assert dataset.dev is dataset.train

    def test_label_that_never_occurs_alone_is_in_train(self, tmp_path: Path) -> None:
        rows = [f"{word} {number}\t{label}" for number in range(2) for word, label in (("a", "joy,all"), ("b", "fear"))]
        dataset = self._load(tmp_path, [*rows, "c\tfear,all", "d\tall,joy"])
        assert (dataset.train.targets.sum(axis=0) > 0).all()

    def test_text_with_several_labels_counts_for_the_rarest(self, tmp_path: Path) -> None:
        rows = [f"text {number}\t{'joy' if number % 6 else 'joy,zeal'}" for number in range(60)]
        dataset = self._load(tmp_path, rows)
        parts = (dataset.train, dataset.dev, dataset.test)
        assert [part.targets.sum(axis=0).tolist() for part in parts] == [[36, 6], [12, 2], [12, 2]]

    def test_train_rows_become_dev_if_dev_is_missing(self, tmp_path: Path) -> None:
        rows = [f"text {number}\t{'joy' if number % 2 else 'fear'}\ttrain" for number in range(40)]
        tests = [f"test {number}\t{'joy' if number % 2 else 'fear'}\ttest" for number in range(10)]
        dataset = self._load(tmp_path, [*rows, *tests], "text\tlabel\tsplit")
        assert (len(dataset.train), len(dataset.dev), len(dataset.test)) == (32, 8, 10)
        assert dataset.dev.targets.sum(axis=0).tolist() == [4, 4]
        assert all(text.startswith("test") for text in dataset.test.texts)

    def test_identical_texts_are_refused(self, tmp_path: Path) -> None:
        with pytest.raises(
            DatasetError, match=r"has 1 different text, too few to divide .*: add rows, or a column named split"
        ):
            self._load(tmp_path, ["same\tjoy", "same\tfear"] * 20)


class TestHashedSplit:
    @pytest.fixture
    def rows(self) -> list[str]:
        return [f"text number {number}\t{'joy' if number % 2 else 'fear'}" for number in range(1000)]

    def _load(self, folder: Path, rows: list[str]) -> Dataset:
        path = folder / "mine.tsv"
        path.write_text("\n".join(["text\tlabel", *rows]))
        return load_dataset(path)

    def test_a_tenth_each_goes_to_dev_and_to_test(self, tmp_path: Path, rows: list[str]) -> None:
        dataset = self._load(tmp_path, rows)
        assert len(dataset.train) + len(dataset.dev) + len(dataset.test) == 1000
        assert 760 <= len(dataset.train) <= 840
        assert 70 <= len(dataset.dev) <= 130
        assert 70 <= len(dataset.test) <= 130

    def test_split_of_a_row_does_not_depend_on_other_rows(self, tmp_path: Path, rows: list[str]) -> None:
        dataset, fewer = self._load(tmp_path, rows), self._load(tmp_path, rows[:0:-3])
        for split in ("train", "dev", "test"):
            assert set(getattr(fewer, split).texts) <= set(getattr(dataset, split).texts)

    def test_label_missing_in_train_gets_rows_from_the_other_splits(self, tmp_path: Path, rows: list[str]) -> None:
        assert self._load(tmp_path, rows).test.texts[0] == "text number 2"
        rows[2] = "text number 2\tzeal"
        dataset = self._load(tmp_path, rows)
        assert "text number 2" in dataset.train.texts
        assert len(dataset.test) >= 70

    def test_train_rows_become_dev_if_dev_is_missing(self, tmp_path: Path, rows: list[str]) -> None:
        marked = [f"{row}\t{'test' if number % 5 == 0 else 'train'}" for number, row in enumerate(rows)]
        path = tmp_path / "mine.tsv"
        path.write_text("\n".join(["text\tlabel\tsplit", *marked]))
        dataset = load_dataset(path)
        assert len(dataset.test) == 200
        assert 50 <= len(dataset.dev) <= 110

    def test_split_is_the_same_on_every_machine(self, tmp_path: Path, rows: list[str]) -> None:
        # Python's own hash() would choose other rows in each process.
        assert self._load(tmp_path, rows).test.texts[:3] == TEST_TEXTS

    def test_equal_texts_stay_in_one_split(self, tmp_path: Path, rows: list[str]) -> None:
        dataset = self._load(tmp_path, rows * 2)
        assert len(dataset.train) + len(dataset.dev) + len(dataset.test) == 2000
        assert not {*dataset.train.texts} & {*dataset.dev.texts, *dataset.test.texts}
        assert not {*dataset.dev.texts} & {*dataset.test.texts}

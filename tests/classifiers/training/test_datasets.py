from __future__ import annotations

import hashlib
import os
from collections import Counter
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from classifiers.emotions import LABELS
from classifiers.errors import DatasetError
from classifiers.training import datasets
from classifiers.training.datasets import Dataset, Split, load_dataset, overview
from tests import hostile


def _bags(split: Split) -> list[str]:
    return [" ".join(sorted(text.split())) for text in split.texts]


def _mirrored(split: Split) -> int:
    """Return how many pairs of phrases have the same words and opposite labels."""
    labels: dict[str, list[int]] = {}
    for bag, label in zip(_bags(split), split.targets.argmax(axis=1), strict=True):
        labels.setdefault(bag, []).append(int(label))
    return sum(sorted(each) == [0, 1] for each in labels.values())


class TestBuiltin:
    @pytest.fixture
    def builtin(self) -> Dataset:
        return load_dataset("builtin")

    def test_labels_are_two_balanced_emotions(self, builtin: Dataset) -> None:
        assert builtin.name == "builtin"
        assert builtin.labels == ("joy", "sadness")
        assert not builtin.multi_label
        assert builtin.train.targets.sum(axis=0).tolist() == [28, 28]
        assert builtin.test.targets.sum(axis=0).tolist() == [12, 12]
        assert len(builtin.train) + len(builtin.test) == 80

    def test_train_stands_in_for_dev(self, builtin: Dataset) -> None:
        assert builtin.dev is builtin.train

    def test_every_phrase_is_unique(self, builtin: Dataset) -> None:
        assert len({*builtin.train.texts, *builtin.test.texts}) == 80

    def test_phrases_are_lower_case_words_of_a_small_vocabulary(self, builtin: Dataset) -> None:
        vocabulary = {word for text in builtin.train.texts for word in text.split()}
        assert 25 <= len(vocabulary) <= 30
        assert all(word.isalpha() and word.islower() for word in vocabulary)

    def test_every_test_word_occurs_in_train(self, builtin: Dataset) -> None:
        counts = Counter(word for text in builtin.train.texts for word in set(text.split()))
        assert all(counts[word] >= 3 for text in builtin.test.texts for word in text.split())

    def test_labels_depend_on_the_order_of_words(self, builtin: Dataset) -> None:
        assert _mirrored(builtin.train) == 20
        assert _mirrored(builtin.test) == 9

    @pytest.mark.heavy
    def test_bag_of_words_misses_many_test_phrases(self, builtin: Dataset) -> None:
        from sklearn.feature_extraction.text import CountVectorizer
        from sklearn.linear_model import LogisticRegression

        # Of two phrases with equal bags and opposite labels such a model gets exactly one, so 9 are wrong.
        vectorizer = CountVectorizer(analyzer=str.split)
        model = LogisticRegression(C=100).fit(
            vectorizer.fit_transform(builtin.train.texts), builtin.train.targets.argmax(axis=1)
        )
        predicted = model.predict(vectorizer.transform(builtin.test.texts))
        assert (predicted == builtin.test.targets.argmax(axis=1)).sum() <= 15


@pytest.mark.parametrize(
    ("name", "content"),
    [
        (
            "mine.tsv",
            "text\tlabel\tsplit\n"
            '"a day\tjoy\ttrain\nno\tneutral,anger\ttrain\nhm\tzeal\ttrain\n'
            "ok\tneutral\tdev\nyes\tjoy\ttest\n",
        ),
        (
            "mine.CSV",
            "split,label,text\n"
            'train,joy,"""a day"\n'
            'train,"neutral, anger",no\ntrain,zeal,hm\n\ndev,neutral,ok\ntest,joy,yes\n',
        ),
        (
            "mine.jsonl",
            '{"text": "\\"a day", "label": "joy", "split": "train", "more": 1}\n'
            '{"text": "no", "label": ["neutral", "anger"], "split": "train"}\n\n'
            '{"text": "hm", "label": "zeal", "split": "train"}\n'
            '{"text": "ok", "label": ["neutral"], "split": "dev"}\n'
            '{"text": "yes", "label": "joy", "split": "test"}',
        ),
    ],
)
@pytest.mark.parametrize("start", ["", "\ufeff"])
@pytest.mark.parametrize("line_end", ["\n", "\r\n"])
def test_own_file_is_read_with_its_splits_and_labels(
    tmp_path: Path, name: str, content: str, start: str, line_end: str
) -> None:
    data = (start + content.replace("\n", line_end)).encode()
    (tmp_path / name).write_bytes(data)
    dataset = load_dataset(str(tmp_path / name))
    assert dataset.name == "mine"
    assert dataset.labels == ("anger", "joy", "zeal", "neutral")
    assert dataset.multi_label
    assert dataset.train.texts == ('"a day', "no", "hm")
    assert dataset.train.targets.tolist() == [[0, 1, 0, 0], [1, 0, 0, 1], [0, 0, 1, 0]]
    assert dataset.train.targets.dtype == np.float32
    assert (dataset.dev.texts, dataset.dev.targets.tolist()) == (("ok",), [[0, 0, 0, 1]])
    assert (dataset.test.texts, dataset.test.targets.tolist()) == (("yes",), [[0, 1, 0, 0]])
    assert dataset.sha256 == hashlib.sha256(data).hexdigest()


def test_other_column_names_can_be_given(tmp_path: Path) -> None:
    path = tmp_path / "mine.csv"
    path.write_text("id,message,mood,split\n1,hi,joy,train\n2,oh,fear,train\n3,ah,joy,test\n")
    dataset = load_dataset(path, text_column="message", label_column="mood")
    assert dataset.labels == ("fear", "joy")
    assert dataset.test.texts == ("ah",)
    assert dataset.dev is dataset.train


def test_csv_text_may_span_lines(tmp_path: Path) -> None:
    path = tmp_path / "mine.csv"
    path.write_text('text,label,split\n"one\ntwo",joy,train\nsad,fear,train\nx,joy,test\n')
    assert load_dataset(path).train.texts[0] == "one\ntwo"


class TestLabels:
    def _load(self, folder: Path, *labels: str) -> Dataset:
        path = folder / "mine.csv"
        path.write_text("text,label\n" + "".join(f'text {n},"{label}"\n' for n, label in enumerate(labels)))
        return load_dataset(path)

    def test_several_labels_in_a_cell_are_separate_labels(self, tmp_path: Path) -> None:
        dataset = self._load(tmp_path, *["['joy', 'love']", "joy;love", "fear|love", "joy, love", "[fear]"] * 2)
        assert dataset.labels == ("fear", "joy", "love")
        assert dataset.counts == {"fear": 4, "joy": 6, "love": 8}
        assert dataset.multi_label

    def test_labels_differing_only_in_letter_case_are_one(self, tmp_path: Path) -> None:
        dataset = self._load(tmp_path, "Joy", "JOY", "Guilt", "guilt", "Guilt", "joy;Joy")
        assert dataset.counts == {"Guilt": 3, "joy": 3}  # as GoEmotions writes it, else as the file does mostly

    @pytest.mark.parametrize("joined", ["joy/love", "joy & love", "joy love", "love and joy", "joy+love"])
    def test_ambiguous_label_cell_is_refused_with_its_line(self, joined: str, tmp_path: Path) -> None:
        with pytest.raises(DatasetError) as caught:
            self._load(tmp_path, *["joy", "love"] * 4, joined, "joy")
        assert f"line 10: {joined!r} may be one label or several: write 'joy,love' if" in str(caught.value).replace(
            "'love,joy'", "'joy,love'"
        )

    def test_two_words_that_are_not_labels_are_one_label(self, tmp_path: Path) -> None:
        assert self._load(tmp_path, *["passive aggressiveness", "joy", "anger/disgust"] * 2).labels == (
            "anger/disgust",
            "joy",
            "passive aggressiveness",
        )

    def test_column_with_hardly_any_repeated_value_is_refused_as_labels(self, tmp_path: Path) -> None:
        with pytest.raises(DatasetError, match=r"has \d+ labels in 20 rows, such as .*--label-column names another\.$"):
            self._load(tmp_path, *(f"comment {number}" for number in range(15)), *["a", "b"] * 2, "a")

    def test_text_column_is_refused_as_labels(self, tmp_path: Path) -> None:
        with pytest.raises(DatasetError, match=r"has 12 labels in 12 rows, such as 'comment 0': is this the column of"):
            self._load(tmp_path, *(f"comment {number}" for number in range(12)))

    def test_recognised_labels_are_shown(self, tmp_path: Path) -> None:
        path = tmp_path / "mine.csv"
        path.write_text("".join(f"text {number};{label}\n" for number in range(10) for label in ("joy", "fear,joy")))
        assert overview(load_dataset(path)) == [
            "mine: 12 texts to learn from, 4 dev, 4 test.",
            "Its columns are separated by semicolons.",
            "Its first line is taken for a row, column 1 for the text and column 2 for the label.",
            "2 labels: fear 10, joy 20.",
        ]
        assert overview(load_dataset("builtin")) == [
            "builtin: 56 texts to learn from, no dev of its own, 24 test.",
            "2 labels: joy 40, sadness 40.",
        ]

    def test_many_labels_are_shown_as_the_first_few_and_a_count(self, tmp_path: Path) -> None:
        path = tmp_path / "mine.csv"
        path.write_text("text,label\n" + "".join(f"text {number},{number % 300:03}\n" for number in range(1500)))
        shown = overview(load_dataset(path))[-1]
        assert shown.startswith("300 labels: 000 5, 001 5, ")
        assert shown.endswith(", 039 5 and 260 more.")

    def test_train_rows_used_as_dev_are_counted_once(self) -> None:
        assert load_dataset("builtin").counts == {"joy": 40, "sadness": 40}


class TestGivenSplit:
    """Files whose rows name their split."""

    ROWS = ("a day\tjoy\ttrain", "a night\tfear\ttrain", "a way\tjoy\tdev")

    def _load(self, folder: Path, *rows: str) -> Dataset:
        path = folder / "mine.tsv"
        path.write_text("\n".join(["text\tlabel\tsplit", *self.ROWS, *rows]))
        return load_dataset(path)

    def test_split_names_ignore_letter_case_and_spaces(self, tmp_path: Path) -> None:
        assert self._load(tmp_path, "a wall\tfear\tTEST", "a door\tfear\t Train ").test.texts == ("a wall",)

    def test_texts_in_both_train_and_test_are_reported(self, tmp_path: Path) -> None:
        assert overview(self._load(tmp_path, "a wall\tfear\ttest", "A  day\tjoy\ttest", "a day\tjoy\tdev"))[1:3] == [
            "1 of the 2 texts for dev are also in train, so figures on dev will be better than on new texts: take them "
            "out of dev or of train.",
            "1 of the 2 texts for test are also in train, so figures on test will be better than on new texts: take "
            "them out of test or of train.",
        ]
        assert self._load(tmp_path, "a wall\tfear\ttest").remarks == ()


HEADER = "text\tlabel\tsplit\n"
GOOD = "hi\tjoy\ttrain\noh\tfear\ttrain\nah\tjoy\ttest\n"
JSON_GOOD = '{"text": "hi", "label": "joy"}\n'


@pytest.mark.parametrize(
    ("name", "content", "message"),
    [
        ("a.tsv", HEADER + GOOD + "only one\n", "line 5: 1 column, the header has 3: text, label, split."),
        ("a.tsv", HEADER + GOOD + "a\tb\tc\td\n", "line 5: 4 columns, the header has 3"),
        ("a.tsv", HEADER + "  \tjoy\ttrain\n", "line 2: the text is empty: fill it in or delete the row."),
        ("a.tsv", HEADER + "hi\t\ttrain\n", "line 2: a label is empty"),
        ("a.tsv", HEADER + "hi\tjoy,,fear\ttrain\n", "line 2: a label is empty"),
        ("a.tsv", HEADER + "hi\tjoy\tvalid\n", "line 2: the split is 'valid': write train, dev or test."),
        ("a.tsv", HEADER + GOOD + "x\tjoyy\ttest\n", "line 5: no row for train has the label 'joyy'"),
        (
            "a.tsv",
            "text\tmood\nhi\tjoy\n",
            "line 1: there is no column 'label'; the columns are 'text', 'mood'. Name yours with --text-column and "
            "--label-column (or with their numbers, such as 1 and 2, if this line is no header).",
        ),
        ("a.tsv", HEADER, "has no rows"),
        ("a.tsv", "", "has no rows"),
        ("a.tsv", HEADER + "hi\tjoy\ttrain\noh\tfear\ttrain\n", "has no rows for test: mark some"),
        ("a.tsv", HEADER + "hi\tjoy\ttest\noh\tfear\tdev\n", "has no rows for train: mark some"),
        ("a.tsv", HEADER + "hi\tjoy\ttrain\nah\tjoy\ttest\n", "only the label 'joy' in train: at least two"),
        ("a.csv", 'text,label\n"hi,joy\n', "line 2: this is not well-formed (unexpected end of data): close every"),
        ("a.csv", "text,label\n" + "x" * 200_000 + ",joy\n", "line 2: this is not well-formed (field larger"),
        (
            "a.csv",
            'text,label\n"so "good"",joy\n',
            "put a text with one in it into double quotes, with that mark written twice.",
        ),
        (
            "a.jsonl",
            JSON_GOOD + '{"text": "oh"',
            "line 2: this is not JSON (Expecting ',' delimiter at character",
        ),
        (
            "a.jsonl",
            JSON_GOOD + "[" * 100_000,
            "line 2: this JSON cannot be read, since a number in it is too long or it is",
        ),
        (
            "a.jsonl",
            '{"text": "hi", "label": ' + "9" * 5000 + "}",
            'too deeply: write {"text": "...", "label": "..."}.',
        ),
        ("a.jsonl", JSON_GOOD + "[1]", "line 2: this is no JSON object: write {"),
        ("a.jsonl", '{"text": 3, "label": "joy"}', "line 1: the text must be a string, not a number."),
        ("a.jsonl", '{"text": null, "label": "joy"}', "line 1: the text must be a string, not null."),
        ("a.jsonl", '{"text": ["hi"], "label": "joy"}', "must be a string, not a list"),
        (
            "a.jsonl",
            '{"text": "hi", "label": true}',
            "the label must be a name, names joined by commas or a list",
        ),
        ("a.jsonl", '{"text": "hi", "label": ["joy", null]}', "not a list of other things."),
        ("a.jsonl", '{"text": "hi", "label": {}}', "not an object."),
        ("a.jsonl", '{"text": "hi", "label": []}', "line 1: a label is empty"),
        (
            "a.jsonl",
            JSON_GOOD + '{"text": "hi", "label": "j\\ud800oy"}',
            "line 2: the label 'j\\ud800oy' cannot be read",
        ),
        ("a.jsonl", '{"text": "hi", "label": "joy", "split": ["dev"]}', "the split is ['dev']: write train"),
        (
            "a.jsonl",
            JSON_GOOD + '{"text": "oh"}',
            "line 2: there is no column 'label'; the columns are 'text'. Name yours with --text-column and "
            "--label-column.",
        ),
        ("a.jsonl", JSON_GOOD + "{}", "line 2: there is no column 'text' and no column 'label'; the columns are none."),
        (
            "a.jsonl",
            JSON_GOOD + '{"text": "x", "label": "joy", "split": "dev"}',
            "line 2: give a split to every row or to none.",
        ),
    ],
)
def test_malformed_file_is_reported_with_line_and_reason(tmp_path: Path, name: str, content: str, message: str) -> None:
    path = tmp_path / name
    path.write_text(content)
    with pytest.raises(DatasetError) as caught:
        load_dataset(path)
    assert message in str(caught.value)
    assert str(caught.value).startswith(str(path))
    assert "\n" not in str(caught.value)


def test_bytes_that_are_not_utf_8_are_refused(tmp_path: Path) -> None:
    path = tmp_path / "a.tsv"
    path.write_bytes(b"text\tlabel\nhi\tjoy\ncaf\xe9\tjoy\n")
    with pytest.raises(DatasetError, match=r"a\.tsv, line 3: this is not UTF-8: save"):
        load_dataset(path)


@pytest.mark.parametrize(
    ("name", "message"),
    [
        (
            "goemotion",
            "There is no data set 'goemotion': give builtin, goemotions, chat, people, or the path of a .tsv",
        ),
        ("a.txt", "There is no data set"),
        ("", "There is no data set"),
        ("missing.csv", "There is no file missing.csv: check the path."),
        ("folder.tsv", "folder.tsv is a folder: give a file"),
        ("device.tsv", "device.tsv cannot be read (it is a device): give a file"),
    ],
)
def test_missing_file_is_named(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, name: str, message: str) -> None:
    monkeypatch.chdir(tmp_path)
    (tmp_path / "folder.tsv").mkdir()
    (tmp_path / "device.tsv").symlink_to(os.devnull)
    with pytest.raises(DatasetError) as caught:
        load_dataset(name)
    assert str(caught.value).startswith(message)


@pytest.fixture(scope="module")
def chat() -> Dataset:
    return load_dataset("chat")


class TestChat:
    def test_every_split_has_all_labels(self, chat: Dataset) -> None:
        assert chat.labels == LABELS
        assert len(chat.train) + len(chat.dev) + len(chat.test) >= 2000
        for split in (chat.train, chat.dev, chat.test):
            assert split.targets.sum(axis=0).min() >= 5

    def test_splits_share_no_message_and_no_topic(self, chat: Dataset) -> None:
        texts = [text.casefold() for split in (chat.train, chat.dev, chat.test) for text in split.texts]
        assert len(texts) == len(set(texts))
        with datasets.CHAT.open(encoding="utf-8") as lines:
            places = {tuple(line.split("\t")[:2]) for line in list(lines)[1:]}
        assert len(places) == len({topic for _, topic in places}) == 95

    @pytest.mark.heavy
    def test_splits_share_no_near_duplicates(self, chat: Dataset) -> None:
        """No two messages of four words or more share more than six tenths of their words."""
        from sklearn.feature_extraction.text import CountVectorizer

        splits = (chat.test, chat.dev, chat.train)
        texts = [text for split in splits for text in split.texts]
        place = np.repeat(range(3), [len(split) for split in splits])
        words = CountVectorizer(binary=True, tokenizer=str.split, token_pattern=None).fit_transform(texts)
        count = words.sum(axis=1).A1
        pairs = (words[place < 2] @ words.T).tocoo()
        several = pairs.data >= 3  # of most pairs fewer words are the same, and too few for six tenths of four
        one, other, same = pairs.row[several], pairs.col[several], pairs.data[several]
        shared = same / (count[one] + count[other] - same)
        close = (place[one] < place[other]) & (np.minimum(count[one], count[other]) >= 4) & (shared > 0.6)
        assert [(texts[i], texts[j]) for i, j in zip(one[close], other[close], strict=True)] == []


ROWS_OF = {
    ".tsv": "text\tlabel\tsplit\n" + "so happy\tjoy\ttrain\noh no\tfear;sadness\ttest\n" * 9,
    ".csv": 'text,label\n"so, ""happy""",joy\noh no,"[\'fear\', \'joy\']"\n' * 9,
    ".jsonl": '{"text": "so happy", "label": ["joy", 3], "split": "train"}\n{"label": "fear", "text": "\\u00fc"}\n' * 9,
}


@pytest.mark.parametrize("ending", ROWS_OF)
@given(data=st.data())
def test_any_file_is_read_or_refused_in_one_sentence(
    new_folder: Callable[[str], Path], ending: str, data: st.DataObject
) -> None:
    folder = new_folder("data")
    file = folder / f"mine{ending}"
    file.write_bytes(data.draw(hostile.damaged(ROWS_OF[ending].encode())))
    refusals: list[str] = []
    with hostile.assert_little_memory():
        try:
            load_dataset(file)
        except DatasetError as error:
            refusals.append(str(error))
    assert not any("\n" in refusal or len(refusal) > 1000 for refusal in refusals)
    assert list(folder.iterdir()) == [file]

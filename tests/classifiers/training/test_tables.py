from __future__ import annotations

import codecs
from pathlib import Path

import pytest

from classifiers.errors import DatasetError
from classifiers.training.tables import Columns, Record, Records, read_records

ROWS = [("so happy, really", "joy"), ("oh no", "fear"), ("yes", "joy"), ("hm", "fear"), ("well", "joy")]

DEFAULT = Columns()


def read(name: str, content: str | bytes, columns: Columns = DEFAULT) -> Records:
    return read_records(Path(name), content if isinstance(content, bytes) else content.encode(), columns)


def found(records: Records) -> list[tuple[str, str]]:
    return [(row.text, row.label) for row in records.rows]


def table(separator: str, quote: str = '"', header: tuple[str, ...] | None = ("text", "label")) -> str:
    rows = [row if header is None or len(header) == 2 else ("7", *row) for row in ROWS]
    lines = [*([header] if header else []), *rows]
    return "".join(separator.join(f"{quote}{field}{quote}" for field in line) + "\n" for line in lines)


@pytest.mark.parametrize(
    ("name", "content", "remarks"),
    [
        ("a.csv", table(","), ()),
        ("a.csv", table(";"), ("Its columns are separated by semicolons.",)),
        ("a.csv", table("\t"), ("Its columns are separated by tabs.",)),
        ("a.csv", table("|"), ("Its columns are separated by '|'.",)),
        ("a.csv", table(";", quote=""), ("Its columns are separated by semicolons.",)),
        ("a.csv", "sep=;\n" + table(";"), ("Its columns are separated by semicolons.",)),
        ("a.csv", "sep=,\r\n" + table(","), ()),
        ("a.tsv", table("\t", quote=""), ()),
        ("a.tsv", table("\t"), ()),
        ("a.tsv", table(","), ("Its columns are separated by commas.",)),
        ("a.csv", table(",", header=("", "text", "label")), ()),
        ("a.csv", table(",", header=("id", " Text", "LABEL ")), ()),
        ("a.csv", table(",").replace("\n", "\r\n"), ()),
        ("a.csv", table(",").replace("\n", "\r"), ()),
    ],
)
def test_separator_is_recognised_from_the_header(name: str, content: str, remarks: tuple[str, ...]) -> None:
    records = read(name, content)
    assert found(records) == ROWS
    assert records.remarks == remarks


@pytest.mark.parametrize(
    ("mark", "encoding"),
    [
        (codecs.BOM_UTF8, "utf-8"),
        (codecs.BOM_UTF16_LE, "utf-16-le"),
        (codecs.BOM_UTF16_BE, "utf-16-be"),
        (codecs.BOM_UTF32_LE, "utf-32-le"),
        (codecs.BOM_UTF32_BE, "utf-32-be"),
    ],
)
def test_encoding_is_recognised_from_the_byte_order_mark(mark: bytes, encoding: str) -> None:
    assert found(read("a.csv", mark + table(",").encode(encoding))) == ROWS


def test_rows_have_their_line_numbers_despite_skipped_lines() -> None:
    records = read("a.csv", 'sep=;\n\n;;\ntext;label;;\n;;;\n"one\ntwo";joy;;\n\n\noh;fear\n; ;;\n')
    assert records.rows == [Record(7, "one\ntwo", "joy"), Record(10, "oh", "fear")]


def test_a_column_named_split_is_read() -> None:
    assert read("a.csv", "split,text,label\ndev,hi,joy\n").rows == [Record(2, "hi", "joy", "dev")]
    assert read("a.jsonl", '{"split": "dev", "text": "hi", "label": "joy"}').rows == [Record(1, "hi", "joy", "dev")]


class TestNoHeader:
    def test_missing_header_is_recognised_if_the_first_label_recurs(self) -> None:
        records = read("a.csv", table(";", header=None))
        assert found(records) == ROWS
        assert records.remarks == (
            "Its columns are separated by semicolons.",
            "Its first line is taken for a row, column 1 for the text and column 2 for the label.",
        )

    def test_label_column_may_come_first(self) -> None:
        assert found(read("a.tsv", "".join(f"{label}\t{text}\n" for text, label in ROWS))) == ROWS

    @pytest.mark.parametrize(
        "content",
        [
            table(",", header=("sentence", "mood")),  # the first value does not occur again
            table(",", header=("id", "sentence", "mood")),
            "hi,joy\noh,fear\n",
            "joy,hi\njoy,hi\nfear,oh\nfear,oh\n",  # either column may be the label
        ],
    )
    def test_uncertain_columns_are_not_guessed(self, content: str) -> None:
        with pytest.raises(DatasetError, match="line 1: there is no column 'text' and no column 'label'; the columns"):
            read("a.csv", content)

    def test_given_column_names_must_exist(self) -> None:
        with pytest.raises(DatasetError, match="no column 'comment' and no column 'mood'; the columns are 'so happy"):
            read("a.csv", table(",", header=None), Columns("comment", "mood"))

    def test_columns_may_be_given_by_number(self) -> None:
        records = read("a.csv", "1;hi;joy\n2;oh;fear\n", Columns("2", "3"))
        assert found(records) == [("hi", "joy"), ("oh", "fear")]

    def test_column_name_takes_precedence_over_a_number(self) -> None:
        assert found(read("a.csv", ",1,2\n0,hi,joy\n", Columns("1", "2"))) == [("hi", "joy")]

    @pytest.mark.parametrize("number", ["0", "3"])
    def test_column_number_beyond_the_last_is_refused(self, number: str) -> None:
        with pytest.raises(DatasetError, match=f"line 1: there is no column '1' and no column '{number}'; the columns"):
            read("a.csv", "hi,joy\noh,fear\n", Columns("1", number))


@pytest.mark.parametrize(
    ("name", "content", "message"),
    [
        (
            "a.csv",
            "\nid;sentence;mood\n1;hi;joy\n",
            "a.csv, line 2: there is no column 'text' and no column 'label'; the columns are 'id', 'sentence', 'mood'. "
            "Name yours with --text-column and --label-column (or with their numbers, such as 1 and 2, if this line is "
            "no header).",
        ),
        ("a.csv", "text,text,label\nhi,ho,joy\n", "a.csv has 2 columns named 'text': give each a name of its own."),
        (
            "a.csv",
            "text,label\nso happy, really,joy\n",
            "a.csv, line 2: 3 columns, the header has 2: text, label. Put double quotes around a text with commas in "
            "it.",
        ),
        ("a.tsv", "text\tlabel\nhi\n", "a.tsv, line 2: 1 column, the header has 2: text, label."),
        (
            "a.csv",
            '"text,label\nhi,joy\n',
            "a.csv, line 2: this is not well-formed (unexpected end of data): close every quotation mark, and put a "
            "text with one in it into double quotes, with that mark written twice.",
        ),
        (
            "a.jsonl",
            '[{"text": "hi", "label": "joy"}]',
            "a.jsonl is a JSON list: write its objects one on each line, without brackets and commas.",
        ),
        (
            "a.jsonl",
            '{"sentence": "hi", "label": "joy"}',
            "a.jsonl, line 1: there is no column 'text'; the columns are 'sentence', 'label'. Name yours with "
            "--text-column and --label-column.",
        ),
    ],
)
def test_unreadable_table_is_reported_with_what_to_do(name: str, content: str, message: str) -> None:
    with pytest.raises(DatasetError) as caught:
        read(name, content)
    assert str(caught.value) == message


@pytest.mark.parametrize(
    ("content", "message"),
    [
        (b"text,label\nhi,joy\ncaf\xe9,joy\n", "a.csv, line 3: this is not UTF-8: save the file as UTF-8."),
        (codecs.BOM_UTF16_LE + b"t\0e\0\n", "a.csv, line 1: this is not UTF-16-LE: save the file as UTF-8."),
        ("text,label\n".encode("utf-16-le"), "a.csv, line 1: there is a NUL character, so this is not UTF-8: save"),
    ],
)
def test_bytes_in_an_unknown_encoding_are_refused(content: bytes, message: str) -> None:
    with pytest.raises(DatasetError) as caught:
        read("a.csv", content)
    assert str(caught.value).startswith(message)


@pytest.mark.parametrize("content", ["", "\n\n", "  \n", "text,label\n", "text,label\n,\n"])
def test_table_without_rows_has_no_records(content: str) -> None:
    assert read("a.csv", content) == Records([])


@pytest.mark.parametrize("content", ["a\t" * 1000 + "\ntext\tlabel\n", "text\tlabel\t" + "a\t" * 1000 + "x\nhi\tjoy\n"])
def test_message_lists_a_dozen_of_a_thousand_columns(content: str) -> None:
    with pytest.raises(DatasetError, match=r"and \d+ more") as caught:
        read("a.tsv", content)
    assert len(str(caught.value)) < 500


@pytest.mark.parametrize("number", ["0", "3", "9" * 5000])
def test_column_number_that_does_not_exist_is_refused_briefly(number: str) -> None:
    with pytest.raises(DatasetError, match=f"there is no column '{number[:40]}'") as caught:
        read("a.csv", table(","), Columns(number, "2"))
    assert len(str(caught.value)) < 300

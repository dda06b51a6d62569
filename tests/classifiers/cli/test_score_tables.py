"""`python -m classifiers compare` with CSV and Parquet files, called as a user would."""

import codecs
import csv
import json
import os
import pickle
import sys
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from classifiers.cli import csv_scores, main
from classifiers.cli.csv_scores import ScoredRows
from classifiers.cli.scoring import JsonLines, Scorer

TEXTS = ["i am happy", "not, happy", 'a "sad"\nline', "", "sad 😂"]
SCORES = [f"{name}_{label}" for name in ("rnn", "bilstm") for label in ("joy", "sadness", "neutral")]


@pytest.fixture(autouse=True)
def _in_folder(small_models: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    assert small_models.parent == tmp_path
    monkeypatch.chdir(tmp_path)


def compare(*arguments: str) -> int:
    return main(["compare", "--models", "small-models", *arguments])


def write_csv(path: str, rows: list[list[str]], delimiter: str = ",") -> None:
    with Path(path).open("w", encoding="utf-8", newline="") as file:
        csv.writer(file, delimiter=delimiter).writerows(rows)


def read_csv(path: str, delimiter: str = ",") -> list[list[str]]:
    with Path(path).open(encoding="utf-8", newline="") as file:
        return list(csv.reader(file, delimiter=delimiter))


def shown_scores(capsys: pytest.CaptureFixture[str], file: str) -> list[list[float]]:
    """Return the scores that --json shows for the same texts."""
    capsys.readouterr()
    assert compare("--json", "--file", file) == 0
    records = [json.loads(line) for line in capsys.readouterr().out.splitlines()]
    assert [record["text"] for record in records] == TEXTS
    return [[*record["rnn"]["scores"].values(), *record["bilstm"]["scores"].values()] for record in records]


@pytest.mark.parametrize(("separator", "mark"), [(",", b""), (";", codecs.BOM_UTF8)])
def test_a_csv_file_is_copied_with_scores(separator: str, mark: bytes, capsys: pytest.CaptureFixture[str]) -> None:
    rows = [[str(place), text, "x;y"] for place, text in enumerate(TEXTS)]
    write_csv("chat.csv", [["id", "text", "more"], *rows], separator)
    content = mark + Path("chat.csv").read_bytes()
    Path("chat.csv").write_bytes(content + b"\r\n")  # an empty line is no text
    assert compare("--file", "chat.csv", "--out", "scored.csv") == 0
    assert capsys.readouterr().out == "Written to scored.csv: 5 texts with scores.\n"
    written = Path("scored.csv").read_bytes()
    assert written.startswith(mark + b"id")
    Path("scored.csv").write_bytes(written.removeprefix(mark))
    header, *scored = read_csv("scored.csv", separator)
    assert header == ["id", "text", "more", *SCORES]
    assert [row[:3] for row in scored] == rows
    for row, expected in zip(scored, shown_scores(capsys, "chat.csv"), strict=True):
        assert [float(score) for score in row[3:]] == pytest.approx(expected, abs=1e-6)


@pytest.mark.parametrize("kind", [pa.string(), pa.large_string(), pa.dictionary(pa.int32(), pa.string())])
def test_a_parquet_file_is_copied_with_scores(kind: pa.DataType, capsys: pytest.CaptureFixture[str]) -> None:
    texts = pa.array([text or None for text in TEXTS]).cast(kind)
    table = pa.table({"when": pa.array(range(5), pa.int8()), "text": texts}).replace_schema_metadata({"made": "up"})
    pq.write_table(table, "chat.parquet", row_group_size=2)
    assert compare("--file", "chat.parquet", "--out", "chat.parquet") == 0  # replaces the file itself
    scored = pq.read_table("chat.parquet")
    assert scored.column_names == ["when", "text", *SCORES]
    assert scored.schema.metadata == {b"made": b"up"}
    assert scored.select(["when", "text"]).to_pylist() == table.to_pylist()
    expected = [score for row in shown_scores(capsys, "chat.parquet") for score in row]
    columns = [scored.column(name).to_pylist() for name in SCORES]
    rows = list(zip(*columns, strict=True))
    assert rows[3] == (None,) * 6, "there was no text"
    rows[3] = tuple(expected[3 * 6 : 4 * 6])
    assert [score for row in rows for score in row] == pytest.approx(expected, abs=1e-6)


def test_column_and_models_can_be_chosen(capsys: pytest.CaptureFixture[str]) -> None:
    write_csv("chat.csv", [["text", "said"], ["7", "happy"]])
    assert compare("--file", "chat.csv", "--out", "one.csv", "--text-column", "said", "--model", "rnn") == 0
    assert capsys.readouterr().out == "Written to one.csv: 1 text with scores.\n"
    assert read_csv("one.csv")[0] == ["text", "said", *SCORES[:3]]


def test_separator_is_recognised_from_a_column_name_in_upper_case() -> None:
    write_csv("chat.csv", [["ID", "Text"], ["7", "happy"]], ";")
    assert compare("--file", "chat.csv", "--out", "scored.csv", "--model", "rnn") == 0
    assert read_csv("scored.csv", ";")[0] == ["ID", "Text", *SCORES[:3]]


def test_rows_of_many_pieces_keep_their_order(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(csv_scores, "ROWS", 2)
    write_csv("chat.csv", [["text"], *([text or "-"] for text in TEXTS)])
    assert compare("--file", "chat.csv", "--out", "scored.csv") == 0
    assert [row[0] for row in read_csv("scored.csv")[1:]] == [text or "-" for text in TEXTS]


def test_table_work_can_be_pickled_for_other_processes(small_models: Path) -> None:
    from classifiers.cli.parquet_scores import ScoredBatch

    scorer = Scorer(small_models, ("rnn", "bilstm"))
    batch = pa.record_batch({"text": TEXTS})
    schema = batch.schema
    for name in SCORES:
        schema = schema.append(pa.field(name, pa.float32()))
    assert pickle.loads(pickle.dumps(ScoredBatch(scorer, 0, schema)))(batch).schema == schema  # noqa: S301 - our own
    rows = [[text] for text in TEXTS]
    work = ScoredRows(scorer, 0, ",")
    assert pickle.loads(pickle.dumps(work))(rows) == work(rows)  # noqa: S301 - of our own
    lines = pickle.loads(pickle.dumps(JsonLines(scorer, 3, explain=True)))(TEXTS)  # noqa: S301 - of our own
    assert lines.count("\n") == len(TEXTS)


@pytest.mark.parametrize(
    ("name", "content", "sentence"),
    [
        (
            "none.csv",
            b"id,words\n1,hi\n",
            "has no column 'text'; the columns are 'id', 'words'. Name yours with --text-",
        ),
        ("empty.csv", b"", "empty.csv is empty."),
        ("mark.csv", b"\xef\xbb\xbf", "mark.csv is empty."),
        ("blank.csv", b"\n", "has no column 'text'; the columns are none."),
        ("two.csv", b"text,text\nhi,ho\n", "has 2 columns named 'text'"),
        ("latin1.csv", b"text\nhi\ncaf\xe9\n", "latin1.csv is not UTF-8 text: convert it first."),
        ("ragged.csv", b"id,text\n1,hi\n2\n", "ragged.csv, line 3: 1 column, the header has 2."),
        ("quote.csv", b'id,text\n1,"hi" you\n', "it into double quotes, with that mark written twice."),
        ("scored.csv", b"text,rnn_joy\nhi,1\n", "has a column 'rnn_joy' already"),
        ("nowhere.csv", None, "nowhere.csv cannot be read: No such file or directory."),
        ("nowhere.parquet", None, "nowhere.parquet cannot be read: No such file or directory."),
        ("other.parquet", b"text\nhi\n", "other.parquet cannot be read as Parquet: Parquet magic bytes not found"),
        ("empty.parquet", b"", "empty.parquet cannot be read as Parquet: "),
        ("none.parquet", {"words": ["hi"]}, "has no column 'text'; the columns are 'words'."),
        ("lists.parquet", {"text": [["hi"]]}, "lists.parquet cannot be read as Parquet: "),
        ("damaged.parquet", {"text": ["hi"] * 3}, "damaged.parquet cannot be read"),
        ("latin1.parquet", {"text": pa.array([b"caf\xe9"]).view(pa.string())}, "has a text that is not UTF-8"),
    ],
)
def test_bad_input_is_reported_in_one_sentence_and_leaves_no_output(
    name: str, content: bytes | dict[str, list[object]] | None, sentence: str, capsys: pytest.CaptureFixture[str]
) -> None:
    file = Path(name)
    if isinstance(content, dict):
        pq.write_table(pa.table(content), file)
        if name == "damaged.parquet":
            file.write_bytes(file.read_bytes().replace(b"PAR1\x15", b"PAR1\x99", 1))
    elif content is not None:
        file.write_bytes(content)
    before = set(Path().iterdir())
    out = f"out{file.suffix}"
    assert compare("--file", name, "--out", out) == 2
    captured = capsys.readouterr()
    assert sentence in captured.err
    assert captured.err.count("\n") == 1
    assert captured.out == ""
    assert set(Path().iterdir()) == before


def test_device_is_refused(capsys: pytest.CaptureFixture[str]) -> None:
    Path("device.csv").symlink_to(os.devnull)
    assert compare("--json", "--file", "device.csv") == 2
    assert capsys.readouterr().err == "device.csv cannot be read: it is a device.\n"


@pytest.mark.parametrize(
    ("out", "why"), [("folder.csv", "it is a folder"), ("no/out.csv", "No such file or directory")]
)
def test_unwritable_output_is_reported_in_one_sentence(out: str, why: str, capsys: pytest.CaptureFixture[str]) -> None:
    Path("folder.csv").mkdir()
    write_csv("chat.csv", [["text"], ["hi"]])
    assert compare("--file", "chat.csv", "--out", out) == 2
    assert capsys.readouterr().err == f"{Path(out)} cannot be written: {why}.\n"


@pytest.mark.parametrize(
    ("arguments", "sentence"),
    [
        (["hi", "--out", "x.csv"], "--out needs a --file that ends in .csv or .parquet: see"),
        (["--file", "chat.txt", "--out", "x.csv"], "--out needs a --file that ends in .csv or .parquet"),
        (["--file", "chat.csv", "--out", "x.parquet"], "--out must end in .csv, as --file does"),
        (["--file", "chat.csv", "--out", "x.csv", "--json"], "--out prints no answers: leave --json and --explain out"),
    ],
)
def test_options_that_do_not_go_together_are_refused(
    arguments: list[str], sentence: str, capsys: pytest.CaptureFixture[str]
) -> None:
    assert compare(*arguments) == 2
    assert sentence in capsys.readouterr().err


def test_parquet_names_its_missing_extra(capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "pyarrow", None)
    assert compare("--file", "chat.parquet", "--out", "scored.parquet") == 2
    assert compare("--json", "--file", "chat.parquet") == 2
    sentence = 'Reading Parquet needs more packages: run `pip install "emobot[parquet]"`.\n'
    assert capsys.readouterr().err == sentence * 2

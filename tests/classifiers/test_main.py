"""The terminal commands as a user calls them."""

import io
import json
from pathlib import Path

import pytest

from classifiers.__main__ import main


def compare_json(capsys: pytest.CaptureFixture[str], *arguments: str) -> list[dict[str, object]]:
    assert main(["compare", "--json", *arguments]) == 0
    return [json.loads(line) for line in capsys.readouterr().out.splitlines()]


def test_compare_as_json(small_models: Path, capsys: pytest.CaptureFixture[str]) -> None:
    [record, other] = compare_json(capsys, "--models", str(small_models), "i am happy", "sad")
    assert record["text"] == "i am happy"
    assert other["text"] == "sad"
    for name in ("rnn", "bilstm"):
        answer = record[name]
        assert isinstance(answer, dict)
        assert set(answer) == {"top", "labels", "scores", "milliseconds"}
        assert set(answer["scores"]) == {"joy", "sadness", "neutral"}
        assert answer["top"] == [list(item) for item in sorted(answer["scores"].items(), key=lambda item: -item[1])]
        thresholds = {"joy": 0.3, "sadness": 0.4, "neutral": 0.5}
        present = {label for label, score in answer["scores"].items() if score >= thresholds[label]}
        assert set(answer["labels"]) == present
        assert answer["milliseconds"] > 0


def test_compare_reads_a_text_a_line(
    small_models: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    lines = "i am happy\r\n\nnot sad \ud83d".encode("utf-8", "ignore") + "😂\n".encode()
    (tmp_path / "texts.txt").write_bytes(lines)
    expected = ["i am happy", "", "not sad 😂"]
    records = compare_json(capsys, "--models", str(small_models), "--file", str(tmp_path / "texts.txt"))
    assert [record["text"] for record in records] == expected
    monkeypatch.setattr("sys.stdin", io.TextIOWrapper(io.BytesIO(lines)))
    records = compare_json(capsys, "--models", str(small_models), "--file", "-")
    assert [record["text"] for record in records] == expected


def test_compare_as_a_table(small_models: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["compare", "--models", str(small_models), "[bold]i am happy", "--top", "2"]) == 0
    shown = capsys.readouterr().out
    assert "[bold]i am happy" in shown
    assert "agree)" in shown
    assert "RNN, " in shown
    assert "BiLSTM, " in shown
    assert "%" in shown
    assert "█" in shown


@pytest.mark.parametrize(
    ("arguments", "sentence"),
    [
        (["compare", "--models", "nowhere", "hi"], "There is no model directory at nowhere"),
        (["compare", "--file", "nowhere.txt"], "nowhere.txt cannot be read: No such file or directory."),
        (["compare", "--file", "."], ". cannot be read: Is a directory."),
        (["compare", "--file", "latin1.txt"], "latin1.txt is not UTF-8 text: convert it first."),
        (["evaluate", "--dataset", "nothing.csv"], "nothing.csv"),
        (["evaluate", "--dataset", "chat", "--baseline"], "leave --baseline out"),
        (["evaluate", "--dataset", "colours.tsv"], "labels that these models do not know (blue)"),
    ],
)
def test_mistakes_are_told_in_one_sentence(
    arguments: list[str],
    sentence: str,
    small_models: Path,
    tmp_path: Path,
    capsys: pytest.CaptureFixture[str],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.chdir(tmp_path)
    (tmp_path / "latin1.txt").write_bytes(b"caf\xe9\n")
    (tmp_path / "colours.tsv").write_text("text\tlabel\tsplit\nsky\tblue\ttrain\nhi\tjoy\ttrain\nsea\tblue\ttest\n")
    if "--models" not in arguments:
        arguments = [*arguments, "--models", str(small_models)]
    assert main(arguments) == 2
    captured = capsys.readouterr()
    assert sentence in captured.err
    assert captured.err.count("\n") == 1
    assert "Traceback" not in captured.err


@pytest.mark.parametrize(
    "arguments", [[], ["compare"], ["compare", "hi", "--file", "x"], ["compare", "--top", "0", "hi"]]
)
def test_wrong_usage(arguments: list[str], capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit, match="2"):
        main(arguments)
    assert "usage: python -m classifiers" in capsys.readouterr().err


def test_evaluate_as_json_and_table(small_models: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    file = tmp_path / "feelings.tsv"
    file.write_text(
        "text\tlabel\tsplit\ni am happy\tjoy\ttrain\ni am sad\tsadness\ttrain\n"
        "happy\tjoy\ttest\nnot happy\tsadness\ttest\nsad\tsadness\ttest\n"
    )
    assert main(["evaluate", "--models", str(small_models), "--dataset", str(file), "--json"]) == 0
    result = json.loads(capsys.readouterr().out)
    assert (result["dataset"], result["split"]) == ("feelings", "test")
    for name in ("rnn", "bilstm"):
        assert set(result[name]) == {"rows", "macro_f1", "micro_f1", "top1", "ece"}
        assert result[name]["rows"] == 3
        assert all(0 <= figure <= 1 for key, figure in result[name].items() if key != "rows")
    assert main(["evaluate", "--models", str(small_models), "--dataset", str(file)]) == 0
    assert "feelings, test split, 3 texts" in capsys.readouterr().out


def test_evaluate_with_the_baseline(small_models: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["evaluate", "--models", str(small_models), "--dataset", "builtin", "--baseline", "--json"]) == 0
    result = json.loads(capsys.readouterr().out)
    assert result["tfidf"]["rows"] == result["rnn"]["rows"] == 24
    assert result["tfidf"]["top1"] > 0.5


def test_evaluate_on_chat(small_models: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["evaluate", "--models", str(small_models), "--dataset", "chat", "--json"]) == 0
    result = json.loads(capsys.readouterr().out)
    assert (result["dataset"], result["split"]) == ("chat", "test")
    for name in ("rnn", "bilstm"):
        assert set(result[name]) == {"rows", "acceptable", "coverage", "precision", "neutral"}
        assert result[name]["rows"] == 877
    assert main(["evaluate", "--models", str(small_models), "--dataset", "chat"]) == 0
    assert "chat, test split, 877 texts" in capsys.readouterr().out

"""The terminal commands, called as a user would."""

import importlib
import io
import itertools
import json
import re
import sys
from importlib import metadata
from pathlib import Path
from typing import Any

import msgspec
import pytest
from prompt_toolkit.application import create_app_session
from prompt_toolkit.input import create_pipe_input
from prompt_toolkit.output import DummyOutput
from rich.text import Text

from classifiers.cli import main, scoring
from classifiers.cli.lines import CHUNK_SIZE, MAX_LINE, read_chunks
from classifiers.emotions import LABELS
from classifiers.errors import DatasetError
from classifiers.model_directory import read_manifest, write_manifest
from classifiers.training import datasets
from classifiers.training.splitting import SPLITS
from tests.closed_output import closed_standard_output

compare_module = importlib.import_module("classifiers.cli.compare")  # the package has a command of that name


def compare_json(capsys: pytest.CaptureFixture[str], *arguments: str) -> list[dict[str, Any]]:
    assert main(["compare", "--json", *arguments]) == 0
    return [json.loads(line) for line in capsys.readouterr().out.splitlines()]


def test_compare_writes_a_line_of_json_for_each_text(small_models: Path, capsys: pytest.CaptureFixture[str]) -> None:
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


@pytest.mark.parametrize("shape", [[], ["--json"]])
def test_closed_output_is_not_an_error(small_models: Path, shape: list[str]) -> None:
    with closed_standard_output():
        assert main(["compare", "--models", str(small_models), "i am happy", *shape]) == 0


def test_compare_with_model_options_asks_only_those_models(
    small_models: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    arguments = ("--models", str(small_models), "i am happy")
    [both] = compare_json(capsys, *arguments)
    [one] = compare_json(capsys, *arguments, "--model", "rnn")
    assert one.keys() == both.keys() - {"bilstm"}
    assert one["rnn"]["scores"] == both["rnn"]["scores"]
    [again] = compare_json(capsys, *arguments, "--model", "bilstm", "--model", "rnn")
    assert again.keys() == both.keys()
    assert main(["compare", *arguments, "--model", "gru"]) == 2
    assert f"{small_models} holds no gru, only rnn and bilstm: see `python -m" in capsys.readouterr().err


def test_compare_reads_one_text_per_line(
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


def test_lines_are_read_in_pieces_and_may_not_be_too_long(tmp_path: Path) -> None:
    file = tmp_path / "texts.txt"
    texts = ["é" * 40_000, "", "x" * MAX_LINE, "last"]
    file.write_text("\n".join(texts))
    pieces = list(read_chunks(file))
    assert len(pieces) == 3
    assert [text for piece in pieces for text in piece] == texts
    for too_long in ("x" * (MAX_LINE + CHUNK_SIZE), "x" * (MAX_LINE + 1) + "\nlast"):
        file.write_text("first\n" + too_long)
        chunks = read_chunks(file)
        assert next(chunks) == ["first"]
        with pytest.raises(
            DatasetError, match=r"texts.txt has a line of more than 1,048,576 bytes: give one text per line."
        ):
            next(chunks)


def test_time_of_a_batch_is_divided_among_its_texts(small_models: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Encoding the texts takes a second, and so does each model."""
    monkeypatch.setattr("classifiers.cli.scoring.time.perf_counter", itertools.count().__next__)
    lines = scoring.JsonLines(scoring.Scorer(small_models, ("rnn", "bilstm")), 1, explain=False)(["i am happy", "sad"])
    records = [json.loads(line) for line in lines.splitlines()]
    assert [record[name]["milliseconds"] for record in records for name in ("rnn", "bilstm")] == [1000] * 4


def test_compare_prints_a_table_by_default(small_models: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["compare", "--models", str(small_models), "[bold]i am happy", "--top", "2"]) == 0
    shown = capsys.readouterr().out
    assert "[bold]i am happy" in shown
    assert "agree)" in shown
    assert "RNN, " in shown
    assert "BiLSTM, " in shown
    assert "%" in shown
    assert "█" in shown


def test_compare_explain_adds_word_shares_to_the_json(small_models: Path, capsys: pytest.CaptureFixture[str]) -> None:
    [record, empty] = compare_json(
        capsys, "--models", str(small_models), "--explain", "--top", "2", "I'm not happy", ""
    )
    words = ["I'm", "not", "happy"]
    for name, tolerance in (("rnn", 1e-6), ("bilstm", 2e-5)):  # in 8 bits, an answer depends slightly on its batch
        answer = record[name]
        assert isinstance(answer, dict)
        assert [word["word"] for word in answer["words"]] == words
        [label, probability] = answer["top"][0]
        [without] = compare_json(capsys, "--models", str(small_models), "I'm happy")
        share = probability - without[name]["scores"][label]
        assert answer["words"][1]["share"] == pytest.approx(share, abs=tolerance)
        forward, backward = answer["reading"]["forward"], answer["reading"]["backward"]
        for rows in (forward, backward) if name == "bilstm" else (forward,):
            assert [row["word"] for row in rows] == words
            assert all(len(row["top"]) == 2 for row in rows)
        assert (backward is None) == (answer["saliency"] is not None) == (name == "rnn")
        assert forward[-1]["top"][0] == [label, pytest.approx(probability, abs=tolerance)]
        assert empty[name]["words"] == empty[name]["reading"]["forward"] == []
    assert len(record["rnn"]["saliency"]) == 3


def test_compare_explain_prints_a_table_for_each_model(
    small_models: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    arguments = ["compare", "--models", str(small_models), "--explain", "I'm not happy 日本 \x1b[2J \ud83d", "<@1>"]
    assert main(arguments) == 0
    plain = capsys.readouterr().out
    cells = " ".join(plain.replace("\u2502", " ").split())
    assert cells.count("counted most for") == 2
    assert cells.count("by gradient times input:") == 1
    assert re.search(r" [+-]\d+%[, ]", plain), "the shares"
    assert re.search(r" [+-]\d+\.\d[, ]", plain), "the gradient's numbers"
    assert plain.count("+20%: without this word, the probability would be 20 percentage points lower") == 1
    assert plain.count("no words to read") == 2
    assert all(title in plain for title in ("RNN →", "BiLSTM →", "BiLSTM ←"))
    assert plain.count("word by word") == 1
    assert "\x1b" not in plain, "what a text holds must not steer the terminal"
    assert "underlined" not in plain, "there are no marks to explain without a terminal"

    monkeypatch.setenv("FORCE_COLOR", "1")
    monkeypatch.setenv("TERM", "xterm-256color")
    monkeypatch.delenv("NO_COLOR", raising=False)
    assert main(arguments) == 0
    marked = capsys.readouterr().out
    assert "bold on blue" in marked
    assert "\x1b[1;97;4" in marked, "bold for what speaks for the emotion"
    assert "\x1b[4;97;4" in marked, "underlined for what speaks against it"
    assert "\x1b[2J" not in marked


def test_output_is_utf_8_even_if_the_terminal_is_ascii(small_models: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    output = io.BytesIO()
    monkeypatch.setattr("sys.stdout", io.TextIOWrapper(output, encoding="ascii"))
    assert main(["compare", "--models", str(small_models), "日本 😂"]) == 0
    assert "日本 😂" in output.getvalue().decode()


def test_chat_answers_each_line_of_piped_input(
    small_models: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("sys.stdin", io.TextIOWrapper(io.BytesIO("i am happy 😂\n\nsad\nexit\nnot\n".encode())))
    assert main(["chat", "--models", str(small_models)]) == 0
    shown = capsys.readouterr().out
    titles = [line.split(" (they")[0] for line in shown.splitlines() if "agree)" in line]
    assert titles == ["i am happy 😂", "sad"]
    assert "Ctrl-D" not in shown
    assert "\x1b" not in shown


def test_empty_standard_input_gets_no_answer(
    small_models: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("sys.stdin", io.TextIOWrapper(io.BytesIO()))
    assert main(["compare", "--models", str(small_models), "--file", "-"]) == 0
    assert capsys.readouterr() == ("", "")


@pytest.mark.parametrize("end", ["exit\r", "\x04"])
def test_chat_prompts_at_a_terminal(
    end: str, small_models: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("sys.stdin", io.StringIO())
    for stream in (sys.stdin, sys.stdout):
        monkeypatch.setattr(stream, "isatty", lambda: True)
    ctrl_c = "\x03"
    with create_pipe_input() as keyboard, create_app_session(input=keyboard, output=DummyOutput()):
        keyboard.send_text(f"half a line{ctrl_c}i am happy\r\rnot sad\r{end}")
        assert main(["chat", "--models", str(small_models)]) == 0
    shown = Text.from_ansi(capsys.readouterr().out).plain
    assert "Ctrl-D" in shown
    assert shown.count("words that counted most for") == 4
    assert shown.count("+20%: without this word") == 1
    assert "i am happy (they" in shown
    assert "not sad (they" in shown
    assert "half" not in shown


def test_chat_reports_errors_in_one_sentence(
    small_models: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("sys.stdin", io.TextIOWrapper(io.BytesIO(b"caf\xe9\n")))
    assert main(["chat", "--models", str(small_models)]) == 2
    assert capsys.readouterr().err == "Standard input is not UTF-8 text: convert it first.\n"


@pytest.mark.parametrize(
    ("arguments", "sentence"),
    [
        (["compare", "--models", "nowhere", "hi"], "There is no model directory at nowhere"),
        (["chat", "--models", "nowhere"], "There is no model directory at nowhere"),
        (["compare", "--file", "nowhere.txt"], "nowhere.txt cannot be read: No such file or directory."),
        (["compare", "--file", "."], ". cannot be read: Is a directory."),
        (["compare", "--file", "latin1.txt/sub"], "latin1.txt/sub cannot be read: Not a directory."),
        (["compare", "--models", "latin1.txt", "hi"], "There is no model directory at latin1.txt"),
        (["compare", "--models", "x" * 300, "hi"], "cannot be read: File name too long."),
        (["compare", "--file", "latin1.txt"], "latin1.txt is not UTF-8 text: convert it first."),
        (["compare", "--file", "empty.txt"], "empty.txt is empty."),
        (["evaluate", "--dataset", "nothing.csv"], "nothing.csv"),
        (["evaluate", "--dataset", "chat", "--baseline"], "leave --baseline out"),
        (["evaluate", "--dataset", "colours.tsv"], "labels that these models do not know (blue)"),
    ],
)
def test_errors_are_reported_in_one_sentence(
    arguments: list[str],
    sentence: str,
    small_models: Path,
    tmp_path: Path,
    capsys: pytest.CaptureFixture[str],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.chdir(tmp_path)
    (tmp_path / "latin1.txt").write_bytes(b"caf\xe9\n")
    (tmp_path / "empty.txt").touch()
    (tmp_path / "colours.tsv").write_text("text\tlabel\tsplit\nsky\tblue\ttrain\nhi\tjoy\ttrain\nsea\tblue\ttest\n")
    if "--models" not in arguments:
        arguments = [*arguments, "--models", str(small_models)]
    assert main(arguments) == 2
    captured = capsys.readouterr()
    assert sentence in captured.err
    assert captured.err.count("\n") == 1
    assert "Traceback" not in captured.err


@pytest.mark.parametrize(
    ("arguments", "sentence"),
    [
        (["compare"], "Give a text, or a file of texts with --file: see `python -m classifiers compare --help`."),
        (
            ["compare", " ", ""],
            "Give a text, or a file of texts with --file: see `python -m classifiers compare --help`.",
        ),
        (["compare", "hi", "--file", "x"], "Give either texts or --file, not both"),
        (["compare", "--top", "0", "hi"], "'0' is not a whole number from 1 to 28: see"),
        (["compare", "--top", "many", "hi"], "'many' is not a whole number from 1 to 28"),
        (["compare", "--tops", "hi"], "No such option"),
        (["evaluate", "--split", "train"], "'train' is not one of 'dev', 'test'"),
        ([], "Missing command: see `python -m classifiers --help`."),
        (["ask"], "No such command 'ask'"),
        (["compares"], "No such command 'compares'. Did you mean compare? See `"),
        (["compare", "--modle"], "No such option '--modle'. Did you mean --model or --models? See `"),
        (["exercise", "x"], "Invalid value for 'NUMBER': 'x' is not a whole number"),
        (["compare", "--text-column", "x", "hi"], "--text-column needs a --file that ends in .csv or .parquet: see"),
        (["compare", "--text-column", "x", "--file", "-"], "--text-column needs a --file that ends in .csv"),
    ],
)
def test_wrong_usage_is_reported_in_one_sentence(
    arguments: list[str], sentence: str, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(arguments) == 2
    captured = capsys.readouterr()
    assert sentence in captured.err
    assert captured.err.count("\n") == 1
    assert captured.err.endswith("--help`.\n")
    assert captured.out == ""


@pytest.mark.parametrize("command", ["compare", "chat", "evaluate", "exercise"])
def test_every_command_has_help(command: str, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["--help"]) == 0
    assert command in capsys.readouterr().out
    assert main([command, "-h"]) == 0
    assert f"Usage: python -m classifiers {command}" in capsys.readouterr().out


def test_version_is_that_of_the_package(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["--version"]) == 0
    assert capsys.readouterr().out == f"Emobot {metadata.version('emobot')}\n"


def test_ctrl_c_ends_with_130_and_no_traceback(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    def interrupted(*_: object) -> None:
        raise KeyboardInterrupt

    monkeypatch.setattr(compare_module, "load_once", interrupted)
    assert main(["compare", "hi"]) == 130
    assert capsys.readouterr().err == ""


@pytest.mark.parametrize(("arguments", "missing"), [(["compare", "hi"], "rich"), (["chat"], "prompt_toolkit")])
def test_terminal_commands_name_their_missing_extra(
    arguments: list[str], missing: str, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(sys.modules, missing, None)
    assert main(arguments) == 2
    assert " in a t" in (sentence := capsys.readouterr().err)
    assert sentence.endswith('needs more packages: run `pip install "emobot[cli]"`.\n')


def test_json_output_works_without_the_extra(
    small_models: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(sys.modules, "rich", None)
    assert compare_json(capsys, "--models", str(small_models), "hi")


def test_evaluate_names_its_missing_extra(
    small_models: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(sys.modules, "sklearn", None)
    assert main(["evaluate", "--models", str(small_models)]) == 2
    assert capsys.readouterr().err.startswith('Measuring needs more packages: run `pip install "emobot[train]"`')


def test_markup_in_file_and_label_names_is_printed_as_it_is(
    small_models: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """The author of the data set chooses both."""
    manifest = msgspec.structs.replace(read_manifest(small_models), labels=("[/joy]", ":smile:", "neutral"))
    cards = {name: msgspec.structs.replace(card, thresholds=(0.01,) * 3) for name, card in manifest.models.items()}
    write_manifest(small_models, msgspec.structs.replace(manifest, models=cards))
    assert main(["compare", "--models", str(small_models), "[/b] happy"]) == 0
    shown = capsys.readouterr().out
    assert "[/b] happy" in shown
    assert "[/joy]" in shown.split("present")[1]
    assert ":smile:" in shown.split("present")[1]

    file = tmp_path / "my[b].tsv"
    file.write_text("text\tlabel\tsplit\nhappy\tneutral\ttrain\nsad\t:smile:\ttrain\nhappy\tneutral\ttest\n")
    assert main(["evaluate", "--models", str(small_models), "--dataset", str(file)]) == 0
    assert "my[b], test split" in capsys.readouterr().out


def test_evaluate_prints_json_or_a_table(
    small_models: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
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


def test_evaluate_on_dev_says_if_train_serves_as_dev(
    small_models: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    file = tmp_path / "few.tsv"
    file.write_text("text\tlabel\tsplit\nhappy\tjoy\ttrain\nsad\tsadness\ttrain\nnot happy\tsadness\ttest\n")
    arguments = ["evaluate", "--models", str(small_models), "--dataset", str(file), "--split", "dev"]
    assert main([*arguments, "--json"]) == 0
    assert json.loads(capsys.readouterr().out)["split"] == "train"
    assert main(arguments) == 0
    assert "few, train split, 2 texts" in capsys.readouterr().out


def test_evaluate_with_baseline_adds_its_row(small_models: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["evaluate", "--models", str(small_models), "--dataset", "builtin", "--baseline", "--json"]) == 0
    result = json.loads(capsys.readouterr().out)
    assert result["tfidf"]["rows"] == result["rnn"]["rows"] == 24
    assert result["tfidf"]["top1"] > 0.5


def test_evaluate_on_chat_shows_the_figures_of_reactions(
    small_models: Path, small_data: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    assert main(["evaluate", "--models", str(small_models), "--dataset", "chat", "--json"]) == 0
    result = json.loads(capsys.readouterr().out)
    assert (result["dataset"], result["split"]) == ("chat", "test")
    for name in ("rnn", "bilstm"):
        assert set(result[name]) == {"rows", "acceptable", "emotional", "coverage", "precision", "neutral"}
        assert result[name]["rows"] == 877
    few = small_data / "chat.tsv"
    rows = (f"{split}\tgames\tso much {label}\t{label}" for split in SPLITS for label in LABELS)
    few.write_text("\n".join(["split\ttopic\ttext\tlabel", *rows]))
    monkeypatch.setattr(datasets, "CHAT", few)
    assert main(["evaluate", "--models", str(small_models), "--dataset", "chat"]) == 0
    assert f"chat, test split, {len(LABELS)} texts" in capsys.readouterr().out

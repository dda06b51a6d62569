from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

import pytest

from bot.cli import main
from tests.bot.cli.support import environment, error_sentence

MESSAGES = "I am happy\nhmm\n\nhttps://example.com\nplain\r\n\u2028thanks\x1b[31m"


@pytest.mark.usefixtures("stub_models")
def test_json_has_one_object_per_line(capsys: pytest.CaptureFixture[str]) -> None:
    Path("messages.txt").write_bytes(MESSAGES.encode())
    assert main(["dry-run", "--file", "messages.txt", "--json"]) == 0
    rows = [json.loads(line) for line in capsys.readouterr().out.split("\n")[:-1]]
    assert [tuple(row.values()) for row in rows] == [
        ("I am happy", "😃", "joy", 0.9, None),
        ("hmm", None, "joy", 0.45, "unsure"),
        ("", None, None, None, "empty"),
        ("https://example.com", None, None, None, "markup"),
        ("plain", None, "neutral", 0.8, "neutral"),
        ("\u2028thanks\x1b[31m", "🙏", "gratitude", 0.95, None),
    ]
    assert all(list(row) == ["text", "emoji", "emotion", "certainty", "reason"] for row in rows)


@pytest.mark.usefixtures("stub_models")
def test_rows_show_emoji_emotion_certainty_and_reason(capsys: pytest.CaptureFixture[str]) -> None:
    Path("messages.txt").write_bytes(MESSAGES.encode())
    assert main(["dry-run", "--file", "messages.txt"]) == 0
    assert capsys.readouterr().out.split("\n") == [
        "😃\tjoy             90%                  I am happy",
        "-\tjoy             45%  unsure          hmm",
        "-\t                     empty",
        "-\t                     markup          https://example.com",
        "-\tneutral         80%  neutral         plain",
        "🙏\tgratitude       95%                   thanks [31m",
        "",
    ]


@pytest.mark.usefixtures("stub_models")
def test_rows_show_emoji_that_are_newer_than_python(capsys: pytest.CaptureFixture[str]) -> None:
    Path("messages.txt").write_text("happy 🩷\x1b[2J\u202e🫩", encoding="utf-8")
    assert main(["dry-run", "--file", "messages.txt"]) == 0
    assert capsys.readouterr().out.endswith("happy 🩷 [2J 🫩\n")


@pytest.mark.usefixtures("stub_models")
@pytest.mark.parametrize(
    ("path", "sentence"),
    [
        ("missing.txt", "File 'missing.txt' does not exist"),
        (".", "File '.' is a directory"),
    ],
)
def test_missing_file_or_folder_is_refused(capsys: pytest.CaptureFixture[str], path: str, sentence: str) -> None:
    assert main(["dry-run", "--file", path]) == 2
    assert error_sentence(capsys) == f"Invalid value for '--file': {sentence}: see `emobot dry-run --help`."


@pytest.mark.usefixtures("stub_models")
def test_line_without_an_end_is_refused(capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("bot.cli.dry_run.MAX_LINE", 10)
    Path("a.txt").write_text("so happy!!\n" + "x" * 11, encoding="utf-8")
    assert main(["dry-run", "--file", "a.txt"]) == 2
    assert capsys.readouterr().err == "a.txt has a line of more than 10 characters: give one message per line.\n"


@pytest.mark.usefixtures("stub_models")
def test_any_file_name_is_told_in_one_line(capsys: pytest.CaptureFixture[str]) -> None:
    Path("a\nb").write_bytes(b"\xff")
    assert main(["dry-run", "--file", "a\nb"]) == 2
    assert error_sentence(capsys) == r"a\nb is not plain text: save it again as UTF-8."


@pytest.mark.usefixtures("stub_models")
def test_empty_file_is_refused_but_not_empty_standard_input(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    Path("empty.txt").touch()
    assert main(["dry-run", "--file", "empty.txt"]) == 2
    assert error_sentence(capsys) == "empty.txt is empty."
    with Path("empty.txt").open() as nothing:
        monkeypatch.setattr("sys.stdin", nothing)
        assert main(["dry-run", "--file", "-"]) == 0
    assert capsys.readouterr() == ("", "")


@pytest.mark.usefixtures("stub_models")
def test_binary_file_is_refused(capsys: pytest.CaptureFixture[str]) -> None:
    Path("bytes.txt").write_bytes(b"\xff\xfe")
    assert main(["dry-run", "--file", "bytes.txt"]) == 2
    assert error_sentence(capsys) == "bytes.txt is not plain text: save it again as UTF-8."


def test_standard_input_is_read_with_the_shipped_weights() -> None:
    done = subprocess.run(
        [sys.executable, "-m", "bot", "dry-run", "--file", "-", "--json"],
        input=b"Thank you so much, I really appreciate it!\n\nThe meeting is at ten on Thursday.\n",
        capture_output=True,
        check=True,
        env=environment(PYTHONIOENCODING="ascii"),
    )
    assert done.stderr == b""
    grateful, empty, neutral = map(json.loads, done.stdout.decode().splitlines())
    assert (grateful["emoji"], grateful["emotion"], grateful["reason"]) == ("🙏", "gratitude", None)
    assert grateful["certainty"] >= 0.5
    assert (empty["emoji"], empty["reason"]) == (None, "empty")
    assert (neutral["emoji"], neutral["reason"]) == (None, "neutral")


def test_closed_pipe_ends_without_a_message() -> None:
    with subprocess.Popen(
        [sys.executable, "-m", "bot", "dry-run", "--file", "-"],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        env=environment(),
    ) as process:
        assert process.stdin
        assert process.stdout
        assert process.stderr
        process.stdout.close()
        process.stdin.write(b"\n" * 5000)
        process.stdin.close()
        assert process.wait(120) == 0
        assert process.stderr.read() == b""

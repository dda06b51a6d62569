"""The README is right."""

import re
from pathlib import Path

from classifiers import load_models
from classifiers.explain import predict_prefixes

ROOT = Path(__file__).parents[1]
README = (ROOT / "README.md").read_text(encoding="utf-8")


def test_demo_and_tests_are_set_up_by_one_command_each() -> None:
    commands = re.findall(r"^python3 -m venv .*$", README, re.MULTILINE)
    assert [command.split(" && ")[-1] for command in commands] == [
        ".venv/bin/python -m bot demo",
        ".venv/bin/python -m pytest",
    ]
    assert "grep -m 1 'pytest$' README.md" in (ROOT / ".ci" / "run").read_text()
    assert re.search(r"pytest$", README, re.MULTILINE)


def test_networks_read_the_ironic_praise_as_described() -> None:
    script = (ROOT / "docs" / "screenshots.py").read_text(encoding="utf-8")
    text = re.search(r'^TEXT = "(.+)"$', script, re.MULTILINE)
    assert text is not None
    assert f"/compare: {text[1]}. The RNN heard admiration, the BiLSTM annoyance" in README
    turns = {}
    for name, directions in (("rnn", 1), ("bilstm", 2)):
        reading = predict_prefixes(load_models()[name], text[1], directions)
        strongest = [max(zip(row, reading.labels, strict=True))[1] for row in reading.forward]
        turns[name] = {label: reading.words[strongest.index(label)] for label in strongest}
    assert turns == {"rnn": {"admiration": "great"}, "bilstm": {"admiration": "great", "annoyance": "genius"}}


def test_figures_match_the_pages() -> None:
    models, speed = ((ROOT / "docs" / page).read_text(encoding="utf-8") for page in ("models.md", "speed.md"))
    accepted = re.search(
        r"accepted ([\d.]+) % of the BiLSTM's reactions and ([\d.]+) % of the RNN's", " ".join(README.split())
    )
    assert accepted is not None
    for row, percent in zip((r"BiLSTM, 3 x 128", r"RNN, 2 x 128, from scratch"), accepted.groups(), strict=True):
        precision = re.search(rf"^\| {row} \| [\d.]+ \| [\d.]+ \| ([\d.]+) \|", models, re.MULTILINE)
        assert precision is not None
        assert f"{float(precision[1]):.1%}" == f"{percent}%"
    times = re.search(r"15 tokens in ([\d.]+ ms) on one thread, the RNN in ([\d.]+ ms)", README)
    assert times is not None
    for row, time in zip(("BiLSTM, ONNX Runtime", "RNN, NumPy"), times.groups(), strict=True):
        assert re.search(rf"^\| {row} \| [^|]+ \| {time}\b", speed, re.MULTILINE)


def test_example_is_as_short_as_stated() -> None:
    lines = (ROOT / "examples" / "rnn_from_scratch.py").read_text(encoding="utf-8").count("\n")
    assert f"of under {lines + 1} lines" in README

import hashlib
import os
import threading
import zipfile
from collections import defaultdict
from collections.abc import Iterator
from functools import partial
from http.server import SimpleHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import numpy as np
import pytest

from classifiers import DatasetError
from classifiers.emotions import LABELS
from classifiers.training import people
from classifiers.training.datasets import load_dataset, load_unlabelled

SMS = "ham\tgr8 day &amp; night\nspam\tWin a prize\nham\tOk lor\n"
IRC = """=== joe has joined #ubuntu
[12:01] <joe> ann: thanks, that did it
[12:02] <ubotu> joe: I am only a bot
[12:02] <ann> !sound
[12:03] <ann> note: nobody is addressed here
"""
NIGHT = """[23:01] <joe> yay it boots
[23:02] <ann> joe: yay it boots
[23:03] <ann> joe: same here
[23:04] <joe> good night
"""


def key(text: str) -> str:
    return hashlib.sha256(text.encode()).hexdigest()[:16]


@pytest.fixture
def originals(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Return a folder with small corpora of our own, and labels for four of their messages."""
    folder = tmp_path / "people"
    (folder / "sms").mkdir(parents=True)
    (folder / "irc" / "data" / "train").mkdir(parents=True)
    (folder / "sms" / "SMSSpamCollection").write_text(SMS)
    irc_files = tmp_path / "people-irc.txt"
    hashes = ""
    for name, text in (("day.raw.txt", IRC), ("night.raw.txt", NIGHT)):
        (folder / "irc" / "data" / "train" / name).write_text(text)
        hashes += f"{name} {hashlib.sha256(text.encode()).hexdigest()}\n"
    irc_files.write_text(hashes)
    labels = tmp_path / "people.tsv"
    labels.write_text(
        "split\tsource\tconversation\tsha256\tlabel\tsecond\n"
        f"train\tsms\tsms\t{key('gr8 day &amp; night')}\tjoy,excitement\t\n"
        f"train\tirc\tnight\t{key('good night')}\tlove,neutral\t\n"
        f"dev\tirc\tday\t{key('ann: thanks, that did it')}\tgratitude,relief\tjoy,gratitude,relief\n"
        f"test\tsms\tsms\t{key('Ok lor')}\tneutral\tneutral,approval\n"
    )
    monkeypatch.setattr(people, "IRC_FILES", irc_files)
    monkeypatch.setattr(people, "PEOPLE", labels)
    return tmp_path


def test_sms_of_people_are_read_and_spam_is_not(originals: Path) -> None:
    texts = [message.text for message in people.sms_messages(originals / "people" / "sms")]
    assert texts == ["gr8 day & night", "Ok lor"]


def test_irc_is_read_without_bots_commands_and_addresses(originals: Path) -> None:
    messages = list(people.irc_messages(originals / "people" / "irc" / "data" / "train"))
    by_day = [message for message in messages if message.conversation == "day"]
    assert [message.text for message in by_day] == ["thanks, that did it", "note: nobody is addressed here"]
    assert [message.key for message in by_day] == [key("ann: thanks, that did it"), key(by_day[1].text)]
    assert {message.conversation for message in messages} == {"day", "night"}


def test_unlabelled_texts_are_of_conversations_that_are_wholly_in_train(originals: Path) -> None:
    assert people.unlabelled_texts(originals / "people") == ("yay it boots", "same here")
    assert load_unlabelled(originals) == ("yay it boots", "same here")


@pytest.mark.usefixtures("originals")
def test_two_annotations_of_a_message_contribute_both_labels() -> None:
    assert [annotation.labels for annotation in people.load_annotations()] == [
        ("joy", "excitement"),
        ("love", "neutral"),
        ("gratitude", "joy", "relief"),
        ("neutral", "approval"),
    ]


def test_the_data_set_joins_labels_and_texts(originals: Path) -> None:
    dataset = load_dataset("people", data_dir=originals)
    assert dataset.labels == LABELS
    assert (dataset.train.texts, dataset.dev.texts, dataset.test.texts) == (
        ("gr8 day & night", "good night"),
        ("thanks, that did it",),
        ("Ok lor",),
    )
    assert [LABELS[place] for place in np.flatnonzero(dataset.dev.targets[0])] == ["gratitude", "joy", "relief"]


def test_originals_that_lack_messages_are_refused(originals: Path) -> None:
    (originals / "people" / "sms" / "SMSSpamCollection").write_text("ham\tOk lor\n")
    with pytest.raises(DatasetError, match=r"^1 of the 4 messages of real people are not in the originals"):
        load_dataset("people", data_dir=originals)


def test_missing_originals_are_reported_with_what_to_do(originals: Path) -> None:
    (originals / "people" / "irc" / "data" / "train" / "day.raw.txt").unlink()
    with pytest.raises(DatasetError, match=r"day\.raw\.txt cannot be read .*unset EMOBOT_DATA_DIR"):
        load_dataset("people", data_dir=originals)


@pytest.fixture
def served(originals: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[list[str]]:
    """Serve the originals on the loopback address; yield the paths that were requested."""
    pooch = pytest.importorskip("pooch", reason="run `pip install -e '.[train]'`")
    with zipfile.ZipFile(originals / "sms.zip", "w") as archive:
        archive.write(originals / "people" / "sms" / "SMSSpamCollection", "SMSSpamCollection")
    asked: list[str] = []

    class Handler(SimpleHTTPRequestHandler):
        def log_message(self, *_: object) -> None:
            asked.append(self.path)

    server = ThreadingHTTPServer(("127.0.0.1", 0), partial(Handler, directory=str(originals)))
    thread = threading.Thread(target=server.serve_forever, args=(0.01,))
    thread.start()
    base = f"http://127.0.0.1:{server.server_port}/"
    monkeypatch.setattr(people, "IRC_URL", base + "people/irc/data/train/")
    monkeypatch.setattr(people, "SMS_URL", base + "sms.zip")
    monkeypatch.setattr(pooch, "os_cache", lambda name: originals / "cache" / name)
    monkeypatch.delenv("EMOBOT_DATA_DIR", raising=False)
    yield asked
    server.shutdown()
    thread.join()
    server.server_close()


def test_the_originals_are_downloaded_once(served: list[str]) -> None:
    assert load_dataset("people").train.texts == ("gr8 day & night", "good night")
    irc = "/people/irc/data/train"
    assert sorted(served) == [f"{irc}/day.raw.txt", f"{irc}/night.raw.txt", "/sms.zip"]
    assert load_unlabelled() == ("yay it boots", "same here")
    assert len(served) == 3


@pytest.mark.usefixtures("served")
def test_a_download_with_another_hash_is_refused(originals: Path) -> None:
    (originals / "people" / "irc" / "data" / "train" / "day.raw.txt").write_text(IRC + "tampered")
    with pytest.raises(DatasetError, match=r"could not be downloaded .*set EMOBOT_DATA_DIR"):
        load_dataset("people")


def test_splits_share_no_conversation_and_no_message() -> None:
    annotations = people.load_annotations()
    parts = defaultdict(set)
    for annotation in annotations:
        parts[annotation.conversation, annotation.key if annotation.conversation == "sms" else ""].add(annotation.split)
    assert all(len(part) == 1 for part in parts.values())
    assert len({(annotation.conversation, annotation.key) for annotation in annotations}) == len(annotations)


def test_labels_are_those_of_goemotions_and_enough_messages_have_two_annotations() -> None:
    assert {label for annotation in people.load_annotations() for label in annotation.labels} <= set(LABELS)
    rows = people.PEOPLE.read_text().splitlines()[1:]
    assert len(rows) >= 5000
    assert sum(bool(row.split("\t")[5]) for row in rows) >= 1000


def test_every_message_is_found_in_the_originals() -> None:
    folder = Path(os.environ.get("EMOBOT_DATA_DIR", "")) / "people"
    if not os.environ.get("EMOBOT_DATA_DIR") or not folder.is_dir():
        pytest.skip("run `export EMOBOT_DATA_DIR=FOLDER`, where FOLDER/people/ holds the originals")
    assert len(load_dataset("people").train) == sum(
        annotation.split == "train" for annotation in people.load_annotations()
    )

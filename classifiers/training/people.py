"""Find messages of real people, with the emotions that a fair reader accepts; docs/people.md is the data card.

Their texts are not in this repository. `classifiers/data/people.tsv` has a hash of each message, its conversation and
its labels, and this module finds the messages in two public corpora: the SMS Spam Collection (Almeida and Hidalgo,
2011) and the IRC disentanglement corpus (Kummerfeld and others, 2019), both under CC BY 4.0.
"""

from __future__ import annotations

import csv
import hashlib
import html
from collections import defaultdict
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

import regex

from classifiers.errors import DatasetError, require

PEOPLE = Path(__file__).parents[1] / "data" / "people.tsv"
"""Hash, conversation and labels of 8,160 messages, without their texts."""

IRC_FILES = Path(__file__).parents[1] / "data" / "people-irc.txt"
"""The names and SHA-256 of the IRC files that were read, in the form of a Pooch registry."""

IRC_URL = (
    "https://raw.githubusercontent.com/jkkummerfeld/irc-disentanglement/82ed04f9627a45d0d6f2ec3c8683c88eb408a0d5"
    "/data/train/"
)
SMS_URL = "https://archive.ics.uci.edu/static/public/228/sms+spam+collection.zip"
SMS_FILE = "SMSSpamCollection"

_LINE = regex.compile(r"\[\d\d:\d\d\] <(?P<nick>[^>]+)> (?P<text>.*)")
_ADDRESS = regex.compile(r"(?P<nick>\S+?)\s?[:,]\s+(?P<text>.*)")
_BOTS = ("ubot", "floodbot", "lubot", "dpkg", "seveas-bot", "chanserv", "lotuspsychje-bot")


@dataclass(frozen=True, slots=True)
class Message:
    """One message of a corpus.

    Attributes:
        conversation: the name of an IRC message's file without its ending; `sms` for all others.
        key: the first 16 hexadecimal digits of the SHA-256 of the original text.
        text: the text, without the nick to which it is addressed and with HTML entities decoded.
    """

    conversation: str
    key: str
    text: str


@dataclass(frozen=True, slots=True)
class Annotation:
    """The labels of one message.

    Attributes:
        split: `train`, `dev` or `test`, the same for all messages of a conversation in IRC, and for all SMS that start
            alike.
        conversation: as in `Message`.
        key: as in `Message`.
        labels: the labels that either annotator accepts, the most likely first; `neutral` if no reaction is fine too.
    """

    split: str
    conversation: str
    key: str
    labels: tuple[str, ...]


def sms_messages(folder: Path) -> Iterator[Message]:
    """Yield the personal messages of the SMS Spam Collection.

    Args:
        folder: contains `SMSSpamCollection`, with a line for each message: `ham` or `spam`, a tab, and the text.
    """
    for line in _read(folder / SMS_FILE).splitlines():
        kind, _, text = line.partition("\t")
        if kind == "ham":
            yield Message("sms", _key(text), html.unescape(text))


def irc_messages(folder: Path) -> Iterator[Message]:
    """Yield the messages of the IRC corpus, file by file, without those by bots and commands to bots.

    Args:
        folder: contains the files of `IRC_FILES`, with lines such as `[12:30] <nick> text`.
    """
    for name in irc_files():
        spoken = [match for match in map(_LINE.fullmatch, _read(folder / name).splitlines()) if match]
        nicks = {match["nick"].lower() for match in spoken}
        for match in spoken:
            text = match["text"]
            if match["nick"].lower().startswith(_BOTS) or text.startswith("!"):
                continue
            address = _ADDRESS.fullmatch(text)
            said = address["text"] if address and address["nick"].lower() in nicks else text
            yield Message(name.removesuffix(".raw.txt"), _key(text), html.unescape(said.strip()))


def irc_files() -> dict[str, str]:
    """Return the SHA-256 of each IRC file by its name, in the order of the files' dates."""
    return dict(line.split() for line in IRC_FILES.read_text().splitlines())


def load_annotations() -> list[Annotation]:
    """Return the labels of all messages; a message with two annotators has the labels of both."""
    with PEOPLE.open(encoding="utf-8", newline="") as file:
        return [
            Annotation(
                row["split"],
                row["conversation"],
                row["sha256"],
                _joined([row[column].split(",") for column in ("label", "second") if row[column]]),
            )
            for row in csv.DictReader(file, delimiter="\t", quoting=csv.QUOTE_NONE)
        ]


def find_texts(folder: Path) -> dict[tuple[str, str], str]:
    """Return the text of each message by its conversation and key.

    Args:
        folder: contains `sms/` and `irc/data/train/` with the originals.

    Raises:
        DatasetError: a file is missing or cannot be read.
    """
    texts: dict[tuple[str, str], str] = {}
    for messages in (sms_messages(folder / "sms"), irc_messages(folder / "irc" / "data" / "train")):
        for message in messages:
            texts.setdefault((message.conversation, message.key), message.text)
    return texts


def unlabelled_texts(folder: Path) -> tuple[str, ...]:
    """Return the distinct IRC messages without labels, from conversations that are not in dev or test.

    The arguments are those of `find_texts`.

    Raises:
        DatasetError: a file is missing or cannot be read.
    """
    labelled = load_annotations()
    held_out = {annotation.conversation for annotation in labelled if annotation.split != "train"}
    known = {annotation.key for annotation in labelled}
    messages = irc_messages(folder / "irc" / "data" / "train")
    fresh = (each for each in messages if each.conversation not in held_out and each.key not in known)
    return tuple(dict.fromkeys(message.text for message in fresh if message.text))


def download(cache: Path) -> Path:
    """Download the originals once into `cache`, check their hashes, and return the folder that `find_texts` takes.

    Raises:
        DatasetError: the originals cannot be downloaded, or they differ from those that were labelled.
        MissingExtraError: Pooch is not installed.
    """
    require("Downloading the messages of real people", "train", "pooch")
    import pooch  # noqa: PLC0415 - only now is it known to be installed

    folder = cache / "people"
    irc = pooch.create(folder / "irc" / "data" / "train", IRC_URL, registry=irc_files())
    unzip = pooch.Unzip(members=[SMS_FILE], extract_dir=str(folder / "sms"))
    try:
        for name in irc.registry:
            irc.fetch(name)
        # The archive's own hash is not published; `load_dataset` checks the hash of each message in it.
        pooch.retrieve(SMS_URL, known_hash=None, fname="sms.zip", path=folder, processor=unzip)
    except (OSError, ValueError) as error:  # no network, refused, or another hash
        raise DatasetError(
            f"The messages of real people could not be downloaded ({type(error).__name__}): try again later, or put "
            f"{SMS_FILE} of {SMS_URL} into a folder people/sms, the files of {IRC_URL} into people/irc/data/train, and "
            "set EMOBOT_DATA_DIR to the folder around it."
        ) from error
    return folder


def _joined(label_lists: Sequence[Sequence[str]]) -> tuple[str, ...]:
    """Return the labels of all lists, ordered by the sum of 1 / rank over the lists, the highest first."""
    weights: defaultdict[str, float] = defaultdict(float)
    for labels in label_lists:
        for place, label in enumerate(labels, start=1):
            weights[label] += 1 / place
    return tuple(sorted(weights, key=lambda label: -weights[label]))


def _key(text: str) -> str:
    return hashlib.sha256(text.encode()).hexdigest()[:16]


def _read(path: Path) -> str:
    try:
        return path.read_text(encoding="utf-8", errors="replace")
    except OSError as error:
        raise DatasetError(
            f"{path} cannot be read ({error.strerror}): put the messages of real people there as docs/people.md says, "
            "or unset EMOBOT_DATA_DIR to have them downloaded."
        ) from error

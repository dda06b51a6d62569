import os
from pathlib import Path

import pytest

from classifiers.errors import ClassifiersError
from classifiers.files import naming, open_atomically, refuse_device, writable, write_atomically


def test_atomic_write_replaces_the_file_and_leaves_no_other(tmp_path: Path) -> None:
    path = tmp_path / "history.json"
    path.write_text("an old and longer one")
    write_atomically(path, b"new")
    assert path.read_bytes() == b"new"
    assert list(tmp_path.iterdir()) == [path]


def test_failed_write_keeps_the_old_file(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def half(self: Path, content: bytes) -> int:
        with self.open("wb") as file:
            file.write(content[:1])
        raise OSError(28, "No space left on device")

    path = tmp_path / "history.json"
    path.write_bytes(b"old")
    monkeypatch.setattr(Path, "write_bytes", half)
    with pytest.raises(OSError, match="No space left") as caught:
        write_atomically(path, b"new")
    assert caught.value.filename == str(path)
    assert path.read_bytes() == b"old"
    assert list(tmp_path.iterdir()) == [path]


def test_error_that_names_a_file_keeps_its_name() -> None:
    with pytest.raises(OSError, match="No space left") as caught, naming(Path("folder")):
        raise OSError(28, "No space left on device", "folder/file")
    assert caught.value.filename == "folder/file"


def test_a_text_with_undecodable_bytes_becomes_writable() -> None:
    assert writable("joy\udcff ü 😀") == "joy\\xff ü 😀"


@pytest.mark.parametrize("error", [KeyboardInterrupt, OSError(28, "No space left on device")])
def test_failed_write_leaves_no_partial_file(error: type[BaseException] | BaseException, tmp_path: Path) -> None:
    path = tmp_path / "scored.csv"
    path.write_bytes(b"old")

    def fail() -> None:
        with open_atomically(path) as file:
            file.write(b"half")
            raise error

    with pytest.raises((KeyboardInterrupt, ClassifiersError)) as raised:
        fail()
    assert path.read_bytes() == b"old"
    assert list(tmp_path.iterdir()) == [path]
    if isinstance(raised.value, ClassifiersError):
        assert str(raised.value) == f"{path} cannot be written: No space left on device."
    with open_atomically(path) as file:
        file.write(b"new")
    assert path.read_bytes() == b"new"
    assert list(tmp_path.iterdir()) == [path]


def test_file_named_like_a_temporary_file_is_left_alone(tmp_path: Path) -> None:
    others = tmp_path / "scored.csv.partial"
    others.write_bytes(b"somebody's")
    with open_atomically(tmp_path / "scored.csv") as file:
        file.write(b"new")
    assert others.read_bytes() == b"somebody's"


def test_existing_file_at_the_temporary_path_is_never_replaced_or_deleted(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("classifiers.files.secrets.token_hex", lambda _: "0")
    others = tmp_path / "emobot-0.partial"
    others.write_bytes(b"somebody's")
    with pytest.raises(ClassifiersError, match="cannot be written: File exists"), open_atomically(tmp_path / "a.csv"):
        pass
    assert others.read_bytes() == b"somebody's"


def test_device_is_refused_and_a_file_is_not(tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    (tmp_path / "device").symlink_to(os.devnull)
    refuse_device(tmp_path / "file")
    refuse_device(tmp_path / "missing")
    with pytest.raises(OSError, match="it is a device"):
        refuse_device(tmp_path / "device")

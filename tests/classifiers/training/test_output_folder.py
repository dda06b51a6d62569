from pathlib import Path

import pytest

from classifiers.errors import ClassifiersError
from classifiers.training.output_folder import check_writable, prepare


def test_missing_folder_is_created_empty(tmp_path: Path) -> None:
    folder = tmp_path / "a" / "b"
    prepare(folder, ["rnn"], resume=False, overwrite=False)
    assert list(folder.iterdir()) == []


@pytest.mark.parametrize(
    ("name", "reason"),
    [
        ("file/sub", "Not a directory"),
        ("x" * 300, "File name too long"),
        ("a/" + "x" * 300, "File name too long"),
        pytest.param(
            "/proc/x",
            "No such file or directory",
            marks=pytest.mark.skipif(
                not Path("/proc/self").exists(),
                reason="run it in Linux: `docker run -it python bash`",
            ),
        ),
    ],
)
def test_unwritable_folder_is_reported_before_any_training(name: str, reason: str, tmp_path: Path) -> None:
    (tmp_path / "file").write_text("mine")
    for check in (check_writable, lambda folder: prepare(folder, ["rnn"], resume=False, overwrite=False)):
        with pytest.raises(ClassifiersError) as caught:
            check(tmp_path / name)
        assert str(caught.value) == (
            f"{tmp_path / name} cannot be written to ({reason}): choose another folder with --out."
        )


def test_folder_in_place_of_a_file_is_reported_before_any_training(tmp_path: Path) -> None:
    (tmp_path / "report.md").mkdir()
    with pytest.raises(ClassifiersError, match=r"report\.md cannot be replaced: remove it, or choose another folder"):
        check_writable(tmp_path)


def test_unrelated_files_in_the_folder_are_accepted(tmp_path: Path) -> None:
    (tmp_path / "checkpoints").mkdir()
    (tmp_path / "notes.txt").write_text("mine")
    check_writable(tmp_path)
    assert {path.name for path in tmp_path.iterdir()} == {"checkpoints", "notes.txt"}


class TestAfterAKillDuringTheFirstCheckpoint:
    """Or after a full disk: there is a partial state, and no history that names it."""

    @pytest.fixture
    def partial_checkpoint(self, tmp_path: Path) -> Path:
        file = tmp_path / "checkpoints" / "rnn" / "epoch-1.safetensors"
        file.parent.mkdir(parents=True)
        file.write_bytes(b"half")
        return file

    def test_folder_with_a_partial_checkpoint_can_be_overwritten(
        self, partial_checkpoint: Path, tmp_path: Path
    ) -> None:
        prepare(tmp_path, ["rnn"], resume=False, overwrite=True)
        assert list(tmp_path.iterdir()) == []
        partial_checkpoint.parent.mkdir(parents=True)
        prepare(tmp_path, ["rnn"], resume=False, overwrite=True)
        assert list(tmp_path.iterdir()) == []

    def test_folder_with_a_partial_checkpoint_cannot_be_resumed(self, partial_checkpoint: Path, tmp_path: Path) -> None:
        with pytest.raises(ClassifiersError, match=r"no stopped training run in .*: start one with --overwrite"):
            prepare(tmp_path, ["rnn"], resume=True, overwrite=False)
        assert partial_checkpoint.exists()

    @pytest.mark.parametrize(
        "name", ["mine.txt", "checkpoints/mine.txt", "checkpoints/rnn/mine.txt", "checkpoints/x/epoch-1.safetensors"]
    )
    def test_unrelated_files_are_left_alone(self, partial_checkpoint: Path, name: str, tmp_path: Path) -> None:
        (tmp_path / name).parent.mkdir(exist_ok=True)
        (tmp_path / name).write_text("mine")
        with pytest.raises(ClassifiersError, match="holds files that are not Emobot models"):
            prepare(tmp_path, ["rnn"], resume=False, overwrite=True)
        assert partial_checkpoint.exists()

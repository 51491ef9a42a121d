"""The box for secrets and its key file."""

import stat
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from domain.kernel.errors import Conflict
from drivers.secrets.fernet import KEY_FILE, FernetBox


def test_what_was_sealed_opens_after_a_restart(tmp_path: Path) -> None:
    sealed = FernetBox.in_folder(tmp_path).seal("a token, naïve")
    assert "token" not in sealed
    assert FernetBox.in_folder(tmp_path).open(sealed) == "a token, naïve"
    assert FernetBox.in_folder(tmp_path).seal("x") != FernetBox.in_folder(tmp_path).seal("x")


def test_the_key_is_ours_alone(tmp_path: Path) -> None:
    folder = tmp_path / "data"
    FernetBox.in_folder(folder)
    path = folder / KEY_FILE
    assert stat.S_IMODE(path.stat().st_mode) == 0o600
    assert [found.name for found in folder.iterdir()] == [KEY_FILE]
    path.chmod(0o644)
    FernetBox.in_folder(folder)
    assert stat.S_IMODE(path.stat().st_mode) == 0o600


def test_two_first_starts_at_once_share_one_key(tmp_path: Path) -> None:
    with ThreadPoolExecutor(8) as pool:
        boxes = list(pool.map(FernetBox.in_folder, [tmp_path] * 8))
    sealed = boxes[0].seal("token")
    assert {box.open(sealed) for box in boxes} == {"token"}


@pytest.mark.parametrize("sealed", ["", "nonsense", "gAAAAABn"])
def test_what_is_not_ours_does_not_open(tmp_path: Path, sealed: str) -> None:
    box = FernetBox.in_folder(tmp_path / "one")
    with pytest.raises(Conflict):
        box.open(sealed)
    with pytest.raises(Conflict):
        box.open(FernetBox.in_folder(tmp_path / "other").seal("token"))


def test_a_damaged_key_is_not_replaced(tmp_path: Path) -> None:
    (tmp_path / KEY_FILE).write_bytes(b"half a k")
    with pytest.raises(ValueError):
        FernetBox.in_folder(tmp_path)
    assert (tmp_path / KEY_FILE).read_bytes() == b"half a k"

"""MACs of secrets: the same for all processes of a folder, others for every other purpose."""

import stat
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from drivers.identity.macs import KEY_FILE, FileMacs


def test_a_folder_s_key_is_made_once(tmp_path: Path) -> None:
    folder = tmp_path / "keys"
    first = FileMacs.in_folder(folder).of("a", "secret")
    assert FileMacs.in_folder(folder).of("a", "secret") == first
    assert len(first) == 64
    assert stat.S_IMODE((folder / KEY_FILE).stat().st_mode) == 0o600
    assert [path.name for path in folder.iterdir()] == [KEY_FILE]


def test_those_that_start_at_once_agree(tmp_path: Path) -> None:
    with ThreadPoolExecutor(8) as threads:
        found = threads.map(lambda _: FileMacs.in_folder(tmp_path).of("a", "b"), range(8))
    assert len(set(found)) == 1


def test_key_purpose_and_secret_all_count(tmp_path: Path) -> None:
    here, there = FileMacs.in_folder(tmp_path / "a"), FileMacs.in_folder(tmp_path / "b")
    macs = {here.of("x", "s"), here.of("y", "s"), here.of("x", "t"), there.of("x", "s")}
    assert len(macs) == 4
    assert here.of("x", "") != here.of("", "x")


@pytest.mark.parametrize("content", ["", "zz", "00" * 31, "00" * 33])
def test_a_file_that_holds_no_key_is_an_error_and_stays(tmp_path: Path, content: str) -> None:
    (tmp_path / KEY_FILE).write_text(content)
    with pytest.raises(ValueError):
        FileMacs.in_folder(tmp_path)
    assert (tmp_path / KEY_FILE).read_text() == content


def test_a_file_that_others_could_read_is_closed(tmp_path: Path) -> None:
    first = FileMacs.in_folder(tmp_path).of("a", "b")
    (tmp_path / KEY_FILE).chmod(0o644)
    assert FileMacs.in_folder(tmp_path).of("a", "b") == first
    assert stat.S_IMODE((tmp_path / KEY_FILE).stat().st_mode) == 0o600

"""The folder of installed software, and the hook that installs into it."""

import io
import subprocess
import sys
import tarfile
import zipfile
from pathlib import Path

import pytest

from oktograph.edge.software_folder import POINTER, SoftwareFolder, hooks, main


def tar(*members: tuple[str, bytes]) -> bytes:
    made = io.BytesIO()
    with tarfile.open(fileobj=made, mode="w") as packed:
        for name, content in members:
            member = tarfile.TarInfo(name)
            member.size = len(content)
            packed.addfile(member, io.BytesIO(content))
    return made.getvalue()


def zipped(*members: tuple[str, bytes]) -> bytes:
    made = io.BytesIO()
    with zipfile.ZipFile(made, "w") as packed:
        for name, content in members:
            packed.writestr(name, content)
    return made.getvalue()


@pytest.fixture
def artifact(tmp_path: Path) -> Path:
    return tmp_path / "artifact"


@pytest.fixture
def folder(tmp_path: Path) -> SoftwareFolder:
    return SoftwareFolder(tmp_path / "software")


@pytest.mark.parametrize("pack", [tar, zipped])
def test_an_archive_is_unpacked_and_the_pointer_moved(
    folder: SoftwareFolder, artifact: Path, tmp_path: Path, pack: type
) -> None:
    assert folder.running_version() is None
    artifact.write_bytes(pack(("bin/edge", b"one")))
    folder.install("1.0.0", artifact)
    assert folder.running_version() == "1.0.0"
    assert (tmp_path / "software" / POINTER / "bin/edge").read_bytes() == b"one"
    artifact.write_bytes(pack(("bin/edge", b"two")))
    folder.install("1.0.0", artifact)
    assert (tmp_path / "software" / POINTER / "bin/edge").read_bytes() == b"two"


def test_what_is_no_archive_is_taken_as_it_is(
    folder: SoftwareFolder, artifact: Path, tmp_path: Path
) -> None:
    artifact.write_bytes(b"firmware")
    folder.install("2.0.0", artifact)
    assert (tmp_path / "software" / POINTER / "artifact").read_bytes() == b"firmware"


def test_the_last_versions_stay_and_one_may_go_back(
    folder: SoftwareFolder, artifact: Path, tmp_path: Path
) -> None:
    artifact.write_bytes(b"firmware")
    for number in range(5):
        folder.install(f"{number}.0.0", artifact)
    kept = sorted(path.name for path in (tmp_path / "software").iterdir())
    assert kept == ["2.0.0", "3.0.0", "4.0.0", POINTER]
    folder.switch("3.0.0")
    assert folder.running_version() == "3.0.0"
    with pytest.raises(ValueError, match="not installed"):
        folder.switch("0.0.0")
    folder.switch("")
    assert folder.running_version() is None


@pytest.mark.parametrize("version", ["..", "../up", "a/b", "current", "", ".hidden", "x" * 65])
def test_what_is_no_version_makes_no_folder(
    folder: SoftwareFolder, artifact: Path, tmp_path: Path, version: str
) -> None:
    artifact.write_bytes(b"firmware")
    with pytest.raises(ValueError, match="version"):
        folder.install(version, artifact)
    assert not (tmp_path / "software").exists()


@pytest.mark.parametrize("name", ["../escaped", "/tmp/escaped-from-here"])
def test_an_archive_that_would_leave_its_folder_is_not_installed(
    folder: SoftwareFolder, artifact: Path, tmp_path: Path, name: str
) -> None:
    artifact.write_bytes(b"first")
    folder.install("1.0.0", artifact)
    artifact.write_bytes(tar((name, b"evil")))
    assert main(["install", str(tmp_path / "software"), "2.0.0", str(artifact)]) in (0, 1)
    assert not (tmp_path / "escaped").exists()
    assert not Path("/tmp/escaped-from-here").exists()
    assert not (tmp_path / "software" / "escaped").exists()
    left = [path.name for path in (tmp_path / "software").iterdir() if path.name[0] == "."]
    assert left == []


def test_as_a_program(artifact: Path, tmp_path: Path) -> None:
    artifact.write_bytes(b"firmware")
    told = hooks(tmp_path / "software")
    argv = [
        part.replace("{version}", "3.1.0").replace("{artifact}", str(artifact))
        for part in told["update_install"]
    ]
    done = subprocess.run(argv, capture_output=True, text=True, check=True, cwd=Path.cwd())
    assert "3.1.0 is in" in done.stdout
    back = [part.replace("{previous_version}", "9.9.9") for part in told["update_rollback"]]
    failed = subprocess.run(back, capture_output=True, text=True, check=False, cwd=Path.cwd())
    assert (failed.returncode, failed.stderr) == (1, "9.9.9 is not installed\n")
    wrong = [sys.executable, "-m", "oktograph.edge.software_folder", "what"]
    assert subprocess.run(wrong, capture_output=True, check=False).returncode == 2

"""The folder of installed software: a folder a version, and a pointer to the one in force.

Also an install hook for the updater:
`python -m oktograph.edge.software_folder install FOLDER VERSION ARTIFACT` unpacks a tar or zip
archive, or takes the artifact as it is, beside what is installed, and moves the pointer at once;
`… switch FOLDER VERSION` moves it back to a version that is still there.
"""

import os
import re
import shutil
import sys
import tarfile
import zipfile
from collections.abc import Sequence
from pathlib import Path
from typing import Final

from domain.kernel.ids import new_id

POINTER: Final = "current"
KEPT_VERSIONS: Final = 3
_VERSION: Final = re.compile(r"[0-9A-Za-z][0-9A-Za-z.+_-]{0,63}", re.ASCII)


class SoftwareFolder:
    """`<folder>/<version>/…` and `<folder>/current`, a link to one of them. Blocking."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder

    def running_version(self) -> str | None:
        """None before the first installation."""
        try:
            return (self._folder / POINTER).readlink().name
        except OSError:
            return None

    def install(self, version: str, artifact: Path) -> Path:
        """Complete or not there. Raises ValueError for what is no version or an archive that
        would leave its folder, OSError where the disk fails."""
        target = self._place(version)
        fresh = self._folder / f".{new_id()}"
        fresh.mkdir(parents=True)
        try:
            _unpack(artifact, fresh)
            if target.exists():
                shutil.rmtree(target)
            fresh.rename(target)
        finally:
            shutil.rmtree(fresh, ignore_errors=True)
        self.switch(version)
        self._tidy()
        return target

    def switch(self, version: str) -> None:
        """Empty: to none. Raises ValueError for a version that is not there."""
        if not version:
            (self._folder / POINTER).unlink(missing_ok=True)
            return
        if not self._place(version).is_dir():
            raise ValueError(f"{version} is not installed")
        fresh = self._folder / f".{new_id()}"
        fresh.symlink_to(version, target_is_directory=True)
        fresh.replace(self._folder / POINTER)
        _sync(self._folder)

    def _place(self, version: str) -> Path:
        if version == POINTER or _VERSION.fullmatch(version) is None:
            raise ValueError("not a version")
        return self._folder / version

    def _tidy(self) -> None:
        """The newest versions stay, and whatever is in force."""
        found = [path for path in self._folder.iterdir() if path.is_dir() and not path.is_symlink()]
        newest = sorted(found, key=lambda path: path.stat().st_mtime_ns, reverse=True)
        for path in newest[KEPT_VERSIONS:]:
            if path.name != self.running_version():
                shutil.rmtree(path, ignore_errors=True)


def hooks(folder: Path) -> dict[str, list[str]]:
    """Settings of an edge that installs into this folder, and falls back in it."""
    own = [sys.executable, "-m", "oktograph.edge.software_folder"]
    return {
        "update_install": [*own, "install", str(folder), "{version}", "{artifact}"],
        "update_rollback": [*own, "switch", str(folder), "{previous_version}"],
    }


def _unpack(artifact: Path, folder: Path) -> None:
    if tarfile.is_tarfile(artifact):
        if not hasattr(tarfile, "data_filter"):
            raise ValueError("this Python cannot unpack an archive safely: 3.11.4 or newer can")
        with tarfile.open(artifact) as archive:
            archive.extractall(folder, filter="data")
    elif zipfile.is_zipfile(artifact):
        with zipfile.ZipFile(artifact) as packed:
            packed.extractall(folder)  # noqa: S202 - zipfile itself leaves no folder
    else:
        shutil.copyfile(artifact, folder / "artifact")
    _sync(folder)


def _sync(folder: Path) -> None:
    handle = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)


def main(argv: Sequence[str]) -> int:
    try:
        match argv:
            case ["install", folder, version, artifact]:
                placed = SoftwareFolder(Path(folder)).install(version, Path(artifact))
                sys.stdout.write(f"{version} is in {placed}\n")
            case ["switch", folder, version]:
                SoftwareFolder(Path(folder)).switch(version)
                sys.stdout.write(f"{version} is in force\n")
            case _:
                sys.stderr.write(f"{__doc__}\n")
                return 2
    except (OSError, ValueError, tarfile.TarError, zipfile.BadZipFile) as error:
        sys.stderr.write(f"{error}\n")
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))

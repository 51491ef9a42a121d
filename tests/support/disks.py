"""A disk that is full: a tiny file system of its own or, without the right to mount one, a bound
on how long files may grow."""

import errno
import os
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Protocol

from tests.support.processes import EdgeProcess

SIZE_BYTES = 24 * 1024 * 1024
LEFT_BYTES = 256 * 1024
PIECE_BYTES = 64 * 1024


class Disk(Protocol):
    """Holds a running service's data directory."""

    data_dir: Path

    def fill(self, edge: EdgeProcess) -> None:
        """Leaves room for a few hundred scans."""

    def make_room(self, edge: EdgeProcess) -> None: ...


class TinyDisk:
    def __init__(self, data_dir: Path) -> None:
        self.data_dir = data_dir
        self._filler = data_dir / "filler"

    def fill(self, edge: EdgeProcess) -> None:
        """In pieces, since the service writes meanwhile: it may have filled up what is left."""
        with self._filler.open("wb") as filler:
            while (size := min(self._left_bytes() - LEFT_BYTES, PIECE_BYTES)) > 0:
                try:
                    os.posix_fallocate(filler.fileno(), filler.tell(), size)
                except OSError as error:
                    if error.errno != errno.ENOSPC:
                        raise
                    return
                filler.seek(size, os.SEEK_CUR)

    def _left_bytes(self) -> int:
        disk = os.statvfs(self.data_dir)
        return disk.f_bavail * disk.f_bsize

    def make_room(self, edge: EdgeProcess) -> None:
        self._filler.unlink()


class ShortFiles:
    def __init__(self, data_dir: Path) -> None:
        self.data_dir = data_dir

    def fill(self, edge: EdgeProcess) -> None:
        longest = max(path.stat().st_size for path in self.data_dir.glob("edge.db*"))
        edge.limit_file_size(longest + LEFT_BYTES)

    def make_room(self, edge: EdgeProcess) -> None:
        edge.limit_file_size(-1)


@contextmanager
def small_disk(folder: Path) -> Iterator[Disk]:
    place = folder / "disk"
    place.mkdir()
    mount = ["mount", "-t", "tmpfs", "-o", f"size={SIZE_BYTES}", "tmpfs", str(place)]
    if os.geteuid() != 0 or subprocess.run(mount, capture_output=True, check=False).returncode:
        yield ShortFiles(place)
        return
    try:
        yield TinyDisk(place)
    finally:
        subprocess.run(["umount", "--lazy", str(place)], check=True)

"""What makes files survive a power cut."""

import contextlib
import os
from pathlib import Path

from domain.kernel.ids import new_id


def sync_to_disk(path: Path) -> None:
    """A file's bytes, or the renames in a folder."""
    handle = os.open(path, os.O_RDONLY)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)


def place_secret(path: Path, key: bytes) -> None:
    """A file that only this account can read: complete or not there, and the first of two
    processes wins."""
    unfinished = path.with_name(f"{path.name}.{new_id()}")
    descriptor = os.open(unfinished, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    try:
        with os.fdopen(descriptor, "wb") as file:
            file.write(key)
            file.flush()
            os.fsync(file.fileno())
        with contextlib.suppress(FileExistsError):
            path.hardlink_to(unfinished)
    finally:
        unfinished.unlink()
    sync_to_disk(path.parent)


def replace_file(path: Path, content: bytes, mode: int = 0o600) -> None:
    """The new content or the old, whatever happens meanwhile."""
    unfinished = path.with_name(f"{path.name}.{new_id()}")
    try:
        descriptor = os.open(unfinished, os.O_WRONLY | os.O_CREAT | os.O_EXCL, mode)
        with os.fdopen(descriptor, "wb") as file:
            file.write(content)
            file.flush()
            os.fsync(file.fileno())
        unfinished.replace(path)
    finally:
        unfinished.unlink(missing_ok=True)
    sync_to_disk(path.parent)

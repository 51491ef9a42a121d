"""What makes files survive a power cut."""

import os
from pathlib import Path


def sync_to_disk(path: Path) -> None:
    """A file's bytes, or the renames in a folder."""
    handle = os.open(path, os.O_RDONLY)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)

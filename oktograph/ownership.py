"""One process owns a data directory: two would number, cache and deliver against each other."""

import fcntl
import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from domain.kernel.errors import Conflict


@contextmanager
def owned(data_dir: Path, role: str) -> Iterator[None]:
    """Holds `{role}.lock` until left. The kernel lets go of it with the process, however that
    ends, so there is nothing stale to clean up. Raises Conflict while another process holds it."""
    path = data_dir / f"{role}.lock"
    descriptor = os.open(path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
    try:
        _lock(descriptor, data_dir)
        os.ftruncate(descriptor, 0)
        os.pwrite(descriptor, str(os.getpid()).encode(), 0)
        yield
    finally:
        os.close(descriptor)


def _lock(descriptor: int, data_dir: Path) -> None:
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError as error:
        holder = os.pread(descriptor, 32, 0).decode(errors="replace") or "unknown"
        raise Conflict(
            f"{data_dir} is in use by another oktograph (process {holder}): "
            "stop it, or give this one a --data-dir of its own"
        ) from error

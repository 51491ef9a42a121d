"""Backups in a folder that only this account can read: made one at a time, kept, handed out.

Several processes may share the folder. What a killed one left unfinished the next backup removes.
"""

import asyncio
import fcntl
import os
import re
import weakref
from collections.abc import AsyncIterator, Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Final

from domain.identity.installation.ports import BackupRow, Kept
from domain.kernel.clock import Clock, from_us
from domain.kernel.errors import Unavailable
from domain.kernel.ids import new_id
from drivers.backups.dumps import Dump
from drivers.durable import sync_to_disk
from drivers.threads import completed

READ_BYTES: Final = 256 * 1024
UNFINISHED: Final = ".unfinished"
LOCK: Final = ".lock"
NO_ROOM: Final = "There is no room for a backup"
_NAME: Final = re.compile(r"[a-z0-9]+-[0-9]{8}T[0-9]{6}Z-[0-9a-f]{8}\.(?:db|db\.gz|dump)")


class FileDownload:
    """An open file, which may be gone from its folder; it is closed with the last reference."""

    def __init__(self, path: Path, name: str) -> None:
        self._descriptor = os.open(path, os.O_RDONLY | os.O_CLOEXEC)
        weakref.finalize(self, os.close, self._descriptor)
        self.name = name
        self.size_bytes = os.fstat(self._descriptor).st_size

    async def chunks(self) -> AsyncIterator[bytes]:
        """Without a place of its own: several may read at once."""
        at = 0
        while chunk := await asyncio.to_thread(os.pread, self._descriptor, READ_BYTES, at):
            at += len(chunk)
            yield chunk


class FolderBackups:
    """`Backups` of one database; `prefix` begins their names, `most` of them are kept."""

    def __init__(self, folder: Path, dump: Dump, clock: Clock, prefix: str, most: int) -> None:
        self._folder = folder
        self._dump = dump
        self._clock = clock
        self._prefix = prefix
        self._most = most

    async def take(self, *, compress: bool) -> FileDownload:
        """Gone from the folder as soon as it can be read: whatever happens to whoever wanted it,
        nothing stays."""
        name, path = self._new(compress)
        with self._alone():
            try:
                await self._written(path, compress)
                return FileDownload(path, name)
            finally:
                path.unlink(missing_ok=True)

    async def keep(self, *, compress: bool) -> Kept:
        name, unfinished = self._new(compress)
        with self._alone():
            try:
                await self._written(unfinished, compress)
                return await completed(self._publish, unfinished, name)
            finally:
                unfinished.unlink(missing_ok=True)

    async def kept(self) -> list[BackupRow]:
        return await completed(self._kept)

    async def open(self, name: str) -> FileDownload | None:
        if not self._is_ours(name):
            return None
        try:
            return await completed(FileDownload, self._folder / name, name)
        except FileNotFoundError:
            return None

    async def remove(self, name: str) -> BackupRow | None:
        return await completed(self._remove, name) if self._is_ours(name) else None

    def _new(self, compress: bool) -> tuple[str, Path]:
        moment = f"{from_us(self._clock.now_us()):%Y%m%dT%H%M%SZ}"
        extension = self._dump.extension(compress=compress)
        name = f"{self._prefix}-{moment}-{new_id()[-8:]}{extension}"
        return name, self._folder / f"{name}{UNFINISHED}"

    async def _written(self, path: Path, compress: bool) -> None:
        """A file for this account alone, whatever writes into it."""
        os.close(os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC, 0o600))
        await self._dump.write(path, compress=compress)

    @contextmanager
    def _alone(self) -> Iterator[None]:
        """Raises Unavailable while another process or call makes one: two at a time would only be
        slower. The kernel lets go of the lock with the process."""
        try:
            self._folder.mkdir(mode=0o700, parents=True, exist_ok=True)
            lock = os.open(self._folder / LOCK, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
        except OSError as error:
            raise Unavailable(NO_ROOM) from error
        try:
            _hold(lock)
            for left in self._folder.glob(f"*{UNFINISHED}*"):
                left.unlink(missing_ok=True)
            yield
        except OSError as error:
            raise Unavailable(NO_ROOM) from error
        finally:
            os.close(lock)

    def _publish(self, unfinished: Path, name: str) -> Kept:
        sync_to_disk(unfinished)
        unfinished.rename(self._folder / name)
        made = _row(self._folder / name)
        too_many = self._kept()[self._most :]
        for row in too_many:
            (self._folder / row.name).unlink(missing_ok=True)
        sync_to_disk(self._folder)
        return Kept(made, too_many)

    def _kept(self) -> list[BackupRow]:
        if not self._folder.is_dir():
            return []
        found: list[BackupRow] = []
        for path in self._folder.iterdir():
            with suppress(FileNotFoundError):  # removed since it was listed
                found += [_row(path)] if self._is_ours(path.name) else []
        return sorted(found, key=lambda row: (row.created_at_us, row.name), reverse=True)

    def _remove(self, name: str) -> BackupRow | None:
        path = self._folder / name
        try:
            row = _row(path)
            path.unlink()
        except FileNotFoundError:
            return None
        return row

    def _is_ours(self, name: str) -> bool:
        """A name has no path in it."""
        return _NAME.fullmatch(name) is not None and name.startswith(f"{self._prefix}-")


def _hold(lock: int) -> None:
    try:
        fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError as error:
        raise Unavailable("Another backup is being made") from error


def _row(path: Path) -> BackupRow:
    found = path.stat()
    return BackupRow(path.name, found.st_size, found.st_mtime_ns // 1_000)

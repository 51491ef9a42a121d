"""The signing keys: PEM files in a folder that only this account can open.

Each key is `<id>.pem`; the id is time-ordered and is the key's `kid`. The newest signs, all
verify: to rotate, add one; to retire one, delete its file and restart. Processes that share the
folder find each other's keys by looking again when a token names one they do not know.
"""

import logging
import os
import time
from pathlib import Path
from typing import Any, Final

from joserfc.jwk import ECKey, KeyParameters

from domain.kernel.ids import PLAIN, new_id

ALGORITHM: Final = "ES256"
CURVE: Final = "P-256"
LOOK_AGAIN_S: Final = 1.0

logger = logging.getLogger(__name__)


class KeyRing:
    """The keys of one folder, which is made with a first key when there is none."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._keys: dict[str, ECKey] = {}
        self._looked_at = 0.0
        _open_folder(folder)
        self._load()
        if not self._keys:
            self.rotate()

    @property
    def signing_key(self) -> ECKey:
        return self._keys[max(self._keys)]

    def find(self, key_id: str) -> ECKey | None:
        """A key to verify with. An unknown id makes the folder be read, at most once a second."""
        found = self._keys.get(key_id)
        if found is None and PLAIN.fullmatch(key_id) and self._may_look():
            self._load()
            found = self._keys.get(key_id)
        return found

    def rotate(self) -> str:
        """Adds a key, which signs from now on. Its id."""
        key_id = new_id()
        pem = ECKey.generate_key(CURVE).as_pem(private=True)
        _write_secret(self._folder / f"{key_id}.pem", pem)
        self._load()
        return key_id

    def jwks(self) -> dict[str, Any]:
        """The public halves, newest first, RFC 7517."""
        return {"keys": [self._keys[kid].as_dict(private=False) for kid in self._newest_first()]}

    def _newest_first(self) -> list[str]:
        return sorted(self._keys, reverse=True)

    def _may_look(self) -> bool:
        return time.monotonic() - self._looked_at >= LOOK_AGAIN_S

    def _load(self) -> None:
        self._looked_at = time.monotonic()
        for path in self._folder.glob("*.pem"):
            if PLAIN.fullmatch(path.stem) and path.stem not in self._keys:
                _close_to_others(path, 0o600)
                self._keys[path.stem] = _key(path)


def _key(path: Path) -> ECKey:
    """Raises ValueError for a file that is no private key for our algorithm."""
    options: KeyParameters = {"kid": path.stem, "use": "sig", "alg": ALGORITHM}
    key = ECKey.import_key(path.read_bytes(), options)
    if not key.is_private or key.curve_name != CURVE:
        raise ValueError(f"{path.name} is not a private key on {CURVE}")
    return key


def _open_folder(folder: Path) -> None:
    folder.mkdir(mode=0o700, parents=True, exist_ok=True)
    _close_to_others(folder, 0o700)


def _close_to_others(path: Path, mode: int) -> None:
    if path.stat().st_mode & 0o077:
        logger.warning("others could read %s; it is closed to them now", path.name)
        path.chmod(mode)


def _write_secret(path: Path, content: bytes) -> None:
    """Complete or not there: a second process may read at any moment, the power may fail."""
    unfinished = path.with_suffix(".unfinished")
    descriptor = os.open(unfinished, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    with os.fdopen(descriptor, "wb") as file:
        file.write(content)
        file.flush()
        os.fsync(file.fileno())
    unfinished.rename(path)
    folder = os.open(path.parent, os.O_RDONLY)
    try:
        os.fsync(folder)
    finally:
        os.close(folder)

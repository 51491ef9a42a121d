"""HMAC-SHA256 of secrets that we made ourselves, under a key in a file.

A secret of 256 random bits needs no slow hash: nobody guesses it. The key keeps the documented
secrets of a demo from being told by the database, and one purpose's secret from opening another.
"""

import hashlib
import hmac
import logging
import secrets
from pathlib import Path
from typing import Final, Self

from drivers.durable import place_secret

KEY_FILE: Final = "credentials.key"
KEY_BYTES: Final = 32
logger = logging.getLogger(__name__)


class FileMacs:
    """`SecretMacs`. Whoever holds the database but not the key can check no guess."""

    def __init__(self, key: bytes) -> None:
        """Raises ValueError for a key of another length."""
        if len(key) != KEY_BYTES:
            raise ValueError(f"the key of credentials has {KEY_BYTES} bytes")
        self._key = key

    @classmethod
    def in_folder(cls, folder: Path) -> Self:
        """The folder's key, made when there is none; processes that start at once agree on one.
        Raises OSError, or ValueError for a file that holds none: a new key in its place would
        close every client and every API key out."""
        folder.mkdir(mode=0o700, parents=True, exist_ok=True)
        path = folder / KEY_FILE
        if not path.exists():
            place_secret(path, secrets.token_bytes(KEY_BYTES).hex().encode())
        if path.stat().st_mode & 0o077:
            logger.warning("others could read %s; it is closed to them now", path.name)
            path.chmod(0o600)
        return cls(bytes.fromhex(path.read_text("ascii").strip()))

    def of(self, purpose: str, secret: str) -> str:
        text = f"{purpose}\0{secret}".encode()
        return hmac.new(self._key, text, hashlib.sha256).hexdigest()

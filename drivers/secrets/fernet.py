"""Secrets at rest: sealed with Fernet (AES-128-CBC and HMAC-SHA256) under a key in a file."""

import logging
from pathlib import Path
from typing import Final, Self

from cryptography.fernet import Fernet, InvalidToken

from domain.kernel.errors import Conflict
from drivers.durable import place_secret

KEY_FILE: Final = "secrets.key"
logger = logging.getLogger(__name__)


class FernetBox:
    """`domain.sync.ports.SecretBox`. Whoever holds the database but not the key learns nothing."""

    def __init__(self, key: bytes) -> None:
        """Raises ValueError for what is no Fernet key."""
        self._fernet = Fernet(key)

    @classmethod
    def in_folder(cls, folder: Path) -> Self:
        """The folder's key, made when there is none. Raises OSError, or ValueError for a file
        that holds none: a new key in its place would lose what the old one sealed."""
        folder.mkdir(mode=0o700, parents=True, exist_ok=True)
        path = folder / KEY_FILE
        if not path.exists():
            place_secret(path, Fernet.generate_key())
        if path.stat().st_mode & 0o077:
            logger.warning("others could read %s; it is closed to them now", path.name)
            path.chmod(0o600)
        return cls(path.read_bytes().strip())

    def seal(self, secret: str) -> str:
        return self._fernet.encrypt(secret.encode()).decode()

    def open(self, sealed: str) -> str:
        try:
            return self._fernet.decrypt(sealed.encode()).decode()
        except InvalidToken:
            raise Conflict("What was stored of the cloud cannot be read: sign in again") from None

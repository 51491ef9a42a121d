"""Pure decisions about the installation: links to backups."""

import hmac
from typing import Final

from domain.kernel.clock import SECOND_US

PURPOSE: Final = "backup-link"
LINK_US: Final = 5 * 60 * SECOND_US
BACKUPS: Final = "/backups"


def signed(name: str, expires_at_us: int) -> str:
    """What a link's signature is made of."""
    return f"{name}.{expires_at_us}"


def link(name: str, expires_at_us: int, signature: str) -> str:
    """Below whatever the service is reached at. `name` needs no quoting."""
    return f"{BACKUPS}/{name}?expires={expires_at_us}&signature={signature}"


def is_good(expires_at_us: int, now_us: int, shown: str, expected: str) -> bool:
    return now_us < expires_at_us and hmac.compare_digest(shown.encode(), expected.encode())

"""Pure decisions about the installation: links to backups."""

from typing import Final

from domain.kernel.clock import SECOND_US

PURPOSE: Final = "backup-link"
LINK_US: Final = 5 * 60 * SECOND_US
BACKUPS: Final = "/backups"


def link(name: str, token: str) -> str:
    """Below whatever the service is reached at. Neither needs quoting."""
    return f"{BACKUPS}/{name}?token={token}"

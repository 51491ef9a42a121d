"""Ids as Insight writes them: UUIDs with hyphens. Either way of writing one is taken."""

from uuid import UUID


def shown(plain: str) -> str:
    """Of an id of ours; anything else is shown as it is."""
    try:
        return str(UUID(hex=plain))
    except ValueError:
        return plain


def plain(text: str) -> str:
    """What is no UUID comes back as it is: a serial number, a name, or nothing that exists."""
    try:
        return UUID(hex=text).hex
    except ValueError:
        return text

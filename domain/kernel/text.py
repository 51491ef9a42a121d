"""Text from outside that has to fit into a database."""

from typing import Final

MAX_LENGTH: Final = 4096
_REPLACEMENT: Final = "\ufffd"


def is_storable(text: str) -> bool:
    """Whether both databases take it as it is: no NUL, no lone surrogate, not endless."""
    if len(text) > MAX_LENGTH or "\0" in text:
        return False
    return text.isascii() or not any("\ud800" <= character <= "\udfff" for character in text)


def storable(text: str) -> str:
    """What noise on a wire left, with a mark where something could not be kept."""
    kept = text[:MAX_LENGTH].replace("\0", _REPLACEMENT)
    return kept.encode("utf-16", "surrogatepass").decode("utf-16", "replace")

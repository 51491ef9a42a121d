"""Rows as the repository returns them and every face presents them. Times in microseconds."""

from typing import NamedTuple


class ConfigFileRow(NamedTuple):
    """Where its bytes lie is nobody's business but the store's: `object_key` is shown nowhere."""

    id: str
    identifier: str
    name: str
    media_type: str
    size_bytes: int
    sha256: str
    object_key: str
    created_at_us: int
    updated_at_us: int


class PutFile(NamedTuple):
    """`replaced` is the key of the bytes that it had before."""

    row: ConfigFileRow
    replaced: str | None

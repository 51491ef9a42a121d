"""Links to files that need no token: who has one may read that one file until it expires.

A link is of one file: of another one under the same name it opens nothing.
"""

from typing import Final, NamedTuple

from domain.kernel import signing
from domain.kernel.clock import SECOND_US
from domain.kernel.errors import Forbidden
from domain.kernel.signing import Macs
from domain.software.rows import ReleaseRow

PURPOSE: Final = "software-file"


class FileLink(NamedTuple):
    """`token` is what the link's address has to say."""

    token: str
    filename: str
    expires_at_us: int


class Claim(NamedTuple):
    """What a token of ours says. `file` is the one that the release had then."""

    customer_id: int
    release_id: str
    file: str


def link_to(
    macs: Macs, customer_id: int, row: ReleaseRow, now_us: int, lifetime_s: int
) -> FileLink:
    """To the artifact of a release that has one."""
    expires_at_us = now_us + lifetime_s * SECOND_US
    content = Claim(customer_id, row.id, _file(row))._asdict()
    token = signing.sign_until(macs, PURPOSE, content, expires_at_us)
    return FileLink(token, row.filename or "", expires_at_us)


def claim_of(macs: Macs, token: str, now_us: int) -> Claim:
    """Raises Forbidden for what is no token of ours, or one that has expired."""
    content = signing.read_in_time(macs, PURPOSE, token, now_us)
    return Claim(**{name: content[name] for name in Claim._fields})


def require_same(claim: Claim, row: ReleaseRow) -> None:
    """Raises Forbidden unless it was made for this very file."""
    if claim.file != _file(row):
        raise not_good()


def not_good() -> Forbidden:
    """One word for all of them: nobody learns what there is."""
    return signing.not_good()


def _file(row: ReleaseRow) -> str:
    return f"{row.sha256 or ''} {row.filename or ''}"

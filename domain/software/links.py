"""Links to files that need no token: who has one may read that one file until it expires.

A link is of one file: of another one under the same name it opens nothing.
"""

import hmac
import re
from typing import Final, NamedTuple

from domain.kernel.clock import SECOND_US
from domain.kernel.errors import Forbidden
from domain.software.ports import LinkSigner
from domain.software.rows import ReleaseRow

PURPOSE: Final = "software-file"
_TOKEN: Final = re.compile(r"([0-9]{1,9})-([0-9a-f]{32})-([0-9]{1,12})-([0-9a-f]{64})")


class FileLink(NamedTuple):
    """`token` is what the link's address has to say."""

    token: str
    filename: str
    expires_at_us: int


class Claim(NamedTuple):
    """What a token says before anybody has looked whether it is ours."""

    customer_id: int
    release_id: str
    expires_at_s: int
    signature: str


def link_to(
    signer: LinkSigner, customer_id: int, row: ReleaseRow, now_us: int, lifetime_s: int
) -> FileLink:
    """To the artifact of a release that has one."""
    expires_at_s = now_us // SECOND_US + lifetime_s
    signature = _signature(signer, customer_id, row, expires_at_s)
    token = f"{customer_id}-{row.id}-{expires_at_s}-{signature}"
    return FileLink(token, row.filename or "", expires_at_s * SECOND_US)


def claim_of(token: str, now_us: int) -> Claim:
    """Raises Forbidden for what is no token, or one that has expired."""
    found = _TOKEN.fullmatch(token)
    if found is None:
        raise not_good()
    customer_id, release_id, expires_at_s, signature = found.groups()
    if int(expires_at_s) * SECOND_US <= now_us:
        raise not_good()
    return Claim(int(customer_id), release_id, int(expires_at_s), signature)


def require_ours(signer: LinkSigner, claim: Claim, row: ReleaseRow) -> None:
    """Raises Forbidden unless we signed it for this very file."""
    ours = _signature(signer, claim.customer_id, row, claim.expires_at_s)
    if not hmac.compare_digest(ours, claim.signature):
        raise not_good()


def not_good() -> Forbidden:
    """One word for all of them: nobody learns what there is."""
    return Forbidden("The link is not valid or has expired")


def _signature(signer: LinkSigner, customer_id: int, row: ReleaseRow, expires_at_s: int) -> str:
    parts = (str(customer_id), row.id, row.sha256 or "", row.filename or "", str(expires_at_s))
    return signer.of(PURPOSE, "\n".join(parts))

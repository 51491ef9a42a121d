"""Pure decisions about gateways."""

import re
import secrets
from typing import Final

from domain.gateways.models import Connectivity
from domain.gateways.rows import GatewayRow
from domain.kernel.actor import Actor, ActorKind
from domain.kernel.clock import SECOND_US
from domain.kernel.errors import Forbidden, Unauthorized

ACTIVE_US: Final = 2 * 3600 * SECOND_US
"""A gateway that said something within so long is active, as Insight has it."""
CATEGORY: Final = "GATEWAY"
"""The journal's category of how gateways stand."""
MAX_THING_NAME: Final = 64
"""X.509's upper bound of a common name."""
MAX_TOKEN: Final = 256
RESERVED: Final = "oktograph"
"""What this installation's own certificates begin with."""
TOKEN_PURPOSE: Final = "gateway-provisioning"  # noqa: S105 - what its MAC is for
LINK_PURPOSE: Final = "provisioning-package"
NO_GOOD_TOKEN: Final = "This token is not or no longer good"  # noqa: S105 - a sentence
PREPARED_BEFORE: Final = "This gateway was prepared before: that is done once"
PROVISIONED_BEFORE: Final = "This gateway was provisioned before: that is done once"
_SAFE: Final = re.compile(r"[^A-Za-z0-9_-]+")
_UUID: Final = re.compile(r"(?i)[0-9a-f]{8}(-?)(?:[0-9a-f]{4}\1){3}[0-9a-f]{12}")
_SUFFIX_BYTES: Final = 4


def connectivity_of(row: GatewayRow, now_us: int) -> Connectivity:
    """As Insight has it. A message counts while it is at most two hours old; one that fell silent
    is INACTIVE only if it ever sent a scan."""
    if row.prepared_at_us is None:
        return Connectivity.NOT_REGISTERED
    heard_us = row.last_message_at_us
    if heard_us is None:
        return Connectivity.REGISTERING
    if heard_us >= now_us - ACTIVE_US:
        return Connectivity.ACTIVE
    silent_before = row.last_scan_at_us is not None
    return Connectivity.INACTIVE if silent_before else Connectivity.REGISTERING


def thing_name_of(name: str) -> str:
    """Of letters, digits, `_` and `-`, so that it is a word in a topic and in a certificate. Never
    one that could be taken for an id, or for this installation itself."""
    slug = _SAFE.sub("-", name).strip("-")[:MAX_THING_NAME] or "gateway"
    if is_own(slug) or plain_id(slug) is not None:
        slug = f"gw-{slug}"[:MAX_THING_NAME]
    return slug


def another_thing_name(name: str) -> str:
    """For a name whose thing name is taken, or is not to be used again."""
    suffix = secrets.token_hex(_SUFFIX_BYTES)
    return f"{thing_name_of(name)[: MAX_THING_NAME - len(suffix) - 1]}-{suffix}"


def is_own(common_name: str) -> bool:
    """Whether it may be of this installation's own."""
    return common_name.lower().startswith(RESERVED)


def plain_id(key: str) -> str | None:
    """A UUID, with its hyphens or without, as an id; None for anything else."""
    return key.replace("-", "").lower() if _UUID.fullmatch(key) else None


def provisionable(row: GatewayRow | None, now_us: int) -> GatewayRow:
    """`row` is whose token was shown. Raises Unauthorized for nobody's and for one that is no
    longer good, Forbidden for one that was used."""
    if row is None:
        raise Unauthorized(NO_GOOD_TOKEN)
    if row.provisioned_at_us is not None:
        raise Forbidden(PROVISIONED_BEFORE)
    if row.token_expires_at_us is None or now_us >= row.token_expires_at_us:
        raise Unauthorized(NO_GOOD_TOKEN)
    return row


def new_token() -> str:
    """256 random bits in 43 characters, as the documented one: it has to fit into a barcode."""
    return secrets.token_urlsafe(32)


def can_be_token(text: str) -> bool:
    """Anything else is nobody's, and the database is not asked."""
    return 0 < len(text) <= MAX_TOKEN and text.isascii()


def gateway_actor(row: GatewayRow) -> Actor:
    """Whoever has shown its token: it may nothing, and the audit names it."""
    return Actor(ActorKind.DEVICE, row.customer_id, row.id, row.thing_name, frozenset())

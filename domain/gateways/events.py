"""Facts of gateways, past tense. The key is a gateway's id, or a scanner's. No token and no key is
ever in one."""

from typing import Final

STREAM: Final = "gateways"

# {gateway}: the row as it became.
CREATED: Final = "gateway.created"
UPDATED: Final = "gateway.updated"
PREPARED: Final = "gateway.prepared"
PROVISIONED: Final = "gateway.provisioned"
RESET: Final = "gateway.reset"
# {gateway, connectivity, previous}
CONNECTIVITY_CHANGED: Final = "gateway.connectivity_changed"

GATEWAY_FACTS: Final = frozenset(
    {CREATED, UPDATED, PREPARED, PROVISIONED, RESET, CONNECTIVITY_CHANGED}
)

# {scanner}: the row as it became. What it tells all day long is no fact.
SCANNER_REGISTERED: Final = "worn_scanner.registered"
SCANNER_UPDATED: Final = "worn_scanner.updated"

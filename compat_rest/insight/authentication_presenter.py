"""How one logs in, as Insight shows it. Its oddity: the names are those of a user pool of Amazon's.
There is none here: `region` says so, the pool is the customer's users, and its client is the OAuth
client by which they get tokens."""

from typing import Any, Final

from compat_rest.insight.ids import shown
from domain.identity.rows import SignInRow

REGION: Final = "local"


def auth_information(row: SignInRow) -> dict[str, Any]:
    return {
        "region": REGION,
        "customer_id": shown(row.customer_public_id),
        "user_pool_client_id": row.client_id or "",
        "user_pool_id": f"{REGION}_{row.customer_public_id}",
    }

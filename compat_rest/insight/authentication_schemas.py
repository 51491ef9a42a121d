"""Bodies of auth-information."""

from compat_rest.insight.schemas import Shown, Uuid


class AuthInformation(Shown):
    """`user_pool_client_id` is the OAuth client that users log in by (`/oauth2/token`); empty
    where there is none, and a login is the only way."""

    region: str
    customer_id: Uuid
    user_pool_client_id: str
    user_pool_id: str

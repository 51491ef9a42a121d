"""Who calls Insight's API: whoever sends their IdToken as the whole `Authorization` header, or
after `Bearer`. The customer that a path names has to be the token's."""

from typing import Annotated, Final

from fastapi import Depends, Path
from starlette.requests import HTTPConnection

from compat_rest.insight.ids import plain
from compat_rest.kernel.auth import BEARER, entry_of, state_of
from domain.kernel.errors import Forbidden, Unauthorized
from graph.context import Context
from graph.identity import resolvers

NO_TOKEN: Final = "No Authorization header was provided"  # noqa: S105 - a sentence
ANOTHER_CUSTOMER: Final = "This customer is not the token's"
CustomerId = Annotated[str, Path(description="Of the token's customer, a UUID")]


def id_token(connection: HTTPConnection) -> str:
    """Raises Unauthorized without one."""
    value = connection.headers.get("authorization", "").strip()
    token = value[len(BEARER) :].strip() if value[: len(BEARER)].lower() == BEARER else value
    if not token:
        raise Unauthorized(NO_TOKEN)
    return token


async def member(connection: HTTPConnection, customer_id: CustomerId) -> Context:
    """Raises Unauthorized, or Forbidden for another customer's path, be there one or not."""
    context = await entry_of(connection).context(id_token(connection))
    if plain(customer_id) != await _public_id(connection, context):
        raise Forbidden(ANOTHER_CUSTOMER)
    return context


async def _public_id(connection: HTTPConnection, context: Context) -> str:
    """Customers keep theirs for good: each is looked up once."""
    state = state_of(connection)
    known: dict[int, str] = getattr(state, "customers", {})
    if context.customer_id not in known:
        own = await resolvers.own_customer(context)
        state.customers = known = {**known, own.id: own.public_id}
    return known[context.customer_id]


Member = Annotated[Context, Depends(member)]

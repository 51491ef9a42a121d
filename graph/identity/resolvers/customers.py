"""Customers, and what somebody needs to know to log in at one."""

from domain.identity import repository
from domain.identity.oauth import repository as oauth
from domain.identity.rows import CustomerRow, SignInRow
from domain.kernel.errors import NotFound, Unauthorized
from graph.context import Context


async def own_customer(context: Context) -> CustomerRow:
    """The actor's. Raises Unauthorized for one who is nobody's any more."""
    context.actor.require_known()
    async with context.read() as session:
        found = await repository.customer(session, context.customer_id)
    if found is None:
        raise Unauthorized("Invalid or missing token")
    return found


async def sign_in_information(context: Context, key: str) -> SignInRow:
    """Public. `key` is a customer's public id, or the installation's alias for its own. Raises
    NotFound."""
    alias = context.services.policy.customer_alias
    async with context.read() as session:
        if alias and key == alias:
            found = await repository.first_customer(session)
        else:
            found = await repository.customer_by_public_id(session, key)
        if found is None:
            raise NotFound("Customer", key)
        client_id = await oauth.client_for_users(session, found.id)
    return SignInRow(found.public_id, client_id)

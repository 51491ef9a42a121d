"""What users agreed to, and the roles that there are for them."""

from collections.abc import Mapping, Sequence

from domain.identity import consents, operations
from domain.identity.commands import GiveConsents
from domain.identity.models import ConsentDocument
from domain.identity.rows import ConsentRow
from domain.kernel.actor import ActorKind
from domain.kernel.errors import Forbidden
from domain.kernel.permissions import ROLE_PERMISSIONS, Permission, Role
from graph.context import Context


async def consents_of(
    context: Context, user_ids: Sequence[str], document: ConsentDocument | None = None
) -> dict[str, list[ConsentRow]]:
    """Of oneself, or with the right of anyone; by user, the oldest first."""
    context.actor.require_known()
    if set(user_ids) != {context.actor.id}:
        context.actor.require(Permission.IDENTITY_USER_READ)
    async with context.read() as session:
        return await consents.of_users(session, context.customer_id, list(user_ids), document)


async def give_consents(context: Context, command: GiveConsents) -> list[ConsentRow]:
    """One's own: all that one has agreed to by now. Raises Forbidden for whoever is no person."""
    context.actor.require_known()
    if context.actor.kind is not ActorKind.USER:
        raise Forbidden("Only users agree to anything")
    async with context.transaction() as work:
        await operations.give_consents(work, context.actor.id, command)
        found = await consents.of_users(work.session, context.customer_id, [context.actor.id])
    return found[context.actor.id]


async def roles(context: Context) -> Mapping[Role, frozenset[Permission]]:
    """What there is to be, and what one may then."""
    context.actor.require(Permission.IDENTITY_USER_READ)
    return ROLE_PERMISSIONS

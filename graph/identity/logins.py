"""Whether a name and a password are somebody's: what a login and the token endpoint both ask."""

from domain.identity import operations, repository, rules
from domain.identity.commands import Login
from domain.identity.rows import CredentialRow, UserRow
from domain.journal import operations as journal
from domain.journal.models import SECURITY, Severity
from domain.kernel.actor import system_actor
from domain.kernel.errors import Unauthorized
from graph.context import Context


async def verified(
    context: Context, attempt: Login, address: str, customer_id: int | None = None
) -> UserRow:
    """Slowed down where it is guessed at; a success is a fact, and so is a failure. `customer_id`
    is whose user it has to be. Raises RateLimited, or Unauthorized without saying whether the name
    or the password was wrong, or the account closed."""
    async with context.services.identity.throttle.attempt(attempt.username, address):
        return await _verified(context, attempt, address, customer_id)


async def _verified(
    context: Context, attempt: Login, address: str, customer_id: int | None
) -> UserRow:
    passwords = context.services.identity.passwords
    async with context.read() as session:
        found = await repository.credential(session, attempt.username)
    if found is not None and customer_id not in (None, found.user.customer_id):
        found = None
    stored = None if found is None else found.password_hash
    check = await passwords.check(attempt.password, stored)
    if found is None or not check.matches or found.user.disabled_at_us is not None:
        await _report_failure(context, attempt, found, address)
        raise Unauthorized("Invalid username or password")
    async with context.services.transactions.begin(rules.actor_of(found.user)) as work:
        if check.new_hash is not None:
            await repository.replace_hash(
                work.session, found.user.id, found.password_hash, check.new_hash
            )
        await operations.logged_in(work, found.user, address)
    return found.user


async def owner_of_strangers(context: Context) -> int | None:
    """Whose log tells of those who are nobody's: the installation's own customer."""
    async with context.read() as session:
        owner = await repository.first_customer(session)
    return None if owner is None else owner.id


async def _report_failure(
    context: Context, attempt: Login, found: CredentialRow | None, address: str
) -> None:
    """A fact and a warning in the journal of whose user it is, or of the installation's own
    customer. Known and unknown names cost the same."""
    if not await context.services.identity.throttle.worth_reporting(attempt.username):
        return
    user = None if found is None else found.user
    owner = await owner_of_strangers(context)
    customer_id = owner if user is None else user.customer_id
    if customer_id is None:
        return
    async with context.services.transactions.begin(system_actor("login", customer_id)) as work:
        await operations.login_failed(work, user, address)
        await journal.record(
            work,
            "Failed login",
            category=SECURITY,
            source="login",
            severity=Severity.WARNING,
            data={"username": None if user is None else user.username, "address": address},
        )

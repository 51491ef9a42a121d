"""Users, and their logins."""

from typing import NamedTuple

from domain.identity import operations, repository, rules
from domain.identity.commands import CreateUser, Login, SetPassword, SetRole, UpdateUser
from domain.identity.rows import UserRow
from domain.kernel.actor import ActorKind
from domain.kernel.errors import NotFound
from domain.kernel.paging import Page, PageRequest
from domain.kernel.permissions import Permission
from graph.context import Context
from graph.identity import logins


class LoginResult(NamedTuple):
    token: str
    expires_at_us: int
    user: UserRow
    permissions: tuple[Permission, ...]


async def login(context: Context, username: str, password: str, client_address: str) -> LoginResult:
    """Public. Raises ValidationFailed, RateLimited, or Unauthorized without saying whether the
    name or the password was wrong, or the account closed."""
    attempt = Login.of(username=username, password=password)
    user = await logins.verified(context, attempt, client_address)
    token, expires_at_us = context.services.identity.tokens.issue(user)
    permissions = tuple(sorted(rules.actor_of(user).permissions))
    return LoginResult(token, expires_at_us, user, permissions)


async def me(context: Context) -> UserRow | None:
    """Null for a device or the platform itself."""
    context.actor.require_known()
    if context.actor.kind is not ActorKind.USER:
        return None
    async with context.read() as session:
        return await repository.user_of(session, context.customer_id, context.actor.id)


async def user(context: Context, user_id: str) -> UserRow | None:
    """Oneself, or with the right anyone."""
    context.actor.require_known()
    if user_id != context.actor.id:
        context.actor.require(Permission.IDENTITY_USER_READ)
    async with context.read() as session:
        return await repository.user_of(session, context.customer_id, user_id)


async def users(context: Context, page: PageRequest) -> Page[UserRow]:
    context.actor.require(Permission.IDENTITY_USER_READ)
    async with context.read() as session:
        return await repository.users_page(session, context.customer_id, page)


async def count_users(context: Context) -> int:
    context.actor.require(Permission.IDENTITY_USER_READ)
    async with context.read() as session:
        return await repository.count_users(session, context.customer_id)


async def create_user(context: Context, command: CreateUser) -> UserRow:
    """Raises Conflict when the username or the email is taken."""
    context.actor.require(Permission.IDENTITY_USER_MANAGE)
    password_hash = rules.NO_PASSWORD
    if command.password is not None:
        rules.check_new_password(command.username, command.password)
        password_hash = await context.services.identity.passwords.hash(command.password)
    async with context.transaction() as work:
        return await operations.create_user(work, command, password_hash)


async def update_user(context: Context, command: UpdateUser) -> UserRow:
    """Another role ends the user's tokens. Raises NotFound, or Conflict for an email that is taken
    and for the last administrator."""
    context.actor.require(Permission.IDENTITY_USER_MANAGE)
    async with context.transaction() as work:
        user = await operations.update_user(work, command)
    if command.role is not None:
        context.services.identity.tokens.forget(user.id)
    return user


async def delete_user(context: Context, user_id: str) -> UserRow:
    """For good; what it was. Raises NotFound, or Conflict for the last administrator."""
    context.actor.require(Permission.IDENTITY_USER_MANAGE)
    async with context.transaction() as work:
        user = await operations.delete_user(work, user_id)
    context.services.identity.tokens.forget(user.id)
    return user


async def set_password(context: Context, command: SetPassword) -> UserRow:
    """Ends the user's tokens. Raises NotFound."""
    context.actor.require(Permission.IDENTITY_USER_MANAGE)
    async with context.read() as session:
        user = await repository.user_of(session, context.customer_id, command.user_id)
    if user is None:
        raise NotFound("User", command.user_id)
    rules.check_new_password(user.username, command.password)
    password_hash = await context.services.identity.passwords.hash(command.password)
    async with context.transaction() as work:
        user = await operations.set_password(work, command.user_id, password_hash)
    context.services.identity.tokens.forget(user.id)
    return user


async def set_role(context: Context, command: SetRole) -> UserRow:
    """Ends the user's tokens. Raises NotFound, or Conflict for the last administrator."""
    context.actor.require(Permission.IDENTITY_USER_MANAGE)
    async with context.transaction() as work:
        user = await operations.set_role(work, command)
    context.services.identity.tokens.forget(user.id)
    return user


async def disable_user(context: Context, user_id: str) -> UserRow:
    """Ends the user's tokens. Raises NotFound, or Conflict for the last administrator."""
    context.actor.require(Permission.IDENTITY_USER_MANAGE)
    async with context.transaction() as work:
        user = await operations.disable_user(work, user_id)
    context.services.identity.tokens.forget(user.id)
    return user


async def enable_user(context: Context, user_id: str) -> UserRow:
    context.actor.require(Permission.IDENTITY_USER_MANAGE)
    async with context.transaction() as work:
        return await operations.enable_user(work, user_id)

"""Writes of identity inside a given unit of work. Passwords come in hashed: hashing costs tens
of milliseconds, and a transaction that waits for it keeps every other writer waiting."""

import secrets
from typing import Any, Final, NamedTuple

from domain.identity import consents, events, repository, rules
from domain.identity.commands import CreateUser, GiveConsents, SetRole, UpdateUser
from domain.identity.models import User
from domain.identity.oauth import repository as oauth
from domain.identity.ports import PasswordService
from domain.identity.rows import ConsentRow, CustomerRow, UserRow
from domain.kernel.errors import Conflict, NotFound
from domain.kernel.ids import new_id
from domain.kernel.permissions import Role
from domain.kernel.uow import UnitOfWork

EMAIL_TAKEN: Final = "User with email already exists"
PROFILE: Final = {"first_name", "last_name", "email", "language"}


class FirstAdmin(NamedTuple):
    """To be shown once: the password is stored nowhere else."""

    username: str
    password: str


async def create_user(work: UnitOfWork, command: CreateUser, password_hash: str) -> UserRow:
    """Raises Conflict when the username or the email is taken, by whichever customer."""
    email_key = rules.email_key(command.email)
    made = await _insert(
        work,
        username=command.username,
        display_name=rules.display_name(command),
        role=command.role,
        password_hash=password_hash,
        email_key=email_key,
        **command.model_dump(include=PROFILE),
    )
    if made is not None:
        return made
    if email_key is not None and await repository.has_email(work.session, email_key):
        raise Conflict(EMAIL_TAKEN, field="email")
    raise Conflict("This username is taken", field="username")


async def update_user(work: UnitOfWork, command: UpdateUser) -> UserRow:
    """Another role ends the user's tokens. Raises NotFound, or Conflict for an email that is taken
    and for the last administrator."""
    found = await _existing(work, command.user_id)
    if command.role is not None:
        found = await set_role(work, SetRole(user_id=found.id, role=command.role))
    given = command.model_dump(include=PROFILE & command.model_fields_set)
    changes = {name: value for name, value in given.items() if getattr(found, name) != value}
    if not changes:
        return found
    if "email" in changes:
        changes["email_key"] = await _free_email(work, changes["email"], found.id)
    changes |= _shown(found, changes)
    await repository.set_profile(work.session, work.customer_id, found.id, changes)
    return await _told(work, found.id, events.USER_UPDATED)


async def delete_user(work: UnitOfWork, user_id: str) -> UserRow:
    """For good, with what the user allowed programs and agreed to; the audit keeps the name.
    Raises NotFound, or Conflict for the last administrator."""
    found = await _existing(work, user_id)
    await _keep_an_admin(work, user_id)
    await oauth.delete_grants_of_user(work.session, user_id)
    await consents.delete_of(work.session, user_id)
    if not await repository.delete_user(work.session, work.customer_id, user_id):
        raise NotFound("User", user_id)  # somebody else was first
    work.record(events.STREAM, events.USER_DELETED, found.id, **rules.public(found))
    return found


async def give_consents(work: UnitOfWork, user_id: str, command: GiveConsents) -> None:
    """What was agreed to before stays as it was. Raises NotFound."""
    await _existing(work, user_id)
    for document, version in command.versions.items():
        row = ConsentRow(user_id, document, version, work.now_us)
        if await consents.insert(work.session, work.customer_id, row):
            work.record(
                events.STREAM, events.CONSENT_GIVEN, user_id, document=document, version=version
            )


async def set_password(work: UnitOfWork, user_id: str, password_hash: str) -> UserRow:
    """Ends the user's tokens. Raises NotFound."""
    await _existing(work, user_id)
    await repository.set_password(
        work.session, work.customer_id, user_id, password_hash, is_demo=False
    )
    return await _told(work, user_id, events.PASSWORD_CHANGED)


async def set_role(work: UnitOfWork, command: SetRole) -> UserRow:
    """Ends the user's tokens. Raises NotFound, or Conflict for the last administrator."""
    found = await _existing(work, command.user_id)
    if command.role is not Role.ADMIN:
        await _keep_an_admin(work, command.user_id)
    changed = await repository.set_role(
        work.session, work.customer_id, command.user_id, command.role
    )
    return await _told(work, found.id, events.ROLE_CHANGED) if changed else found


async def disable_user(work: UnitOfWork, user_id: str) -> UserRow:
    """Ends the user's tokens; again is the same as once. Raises NotFound, or Conflict for the
    last administrator."""
    found = await _existing(work, user_id)
    await _keep_an_admin(work, user_id)
    changed = await repository.disable(work.session, work.customer_id, user_id, work.now_us)
    return await _told(work, user_id, events.USER_DISABLED) if changed else found


async def enable_user(work: UnitOfWork, user_id: str) -> UserRow:
    """Tokens from before stay dead. Raises NotFound."""
    found = await _existing(work, user_id)
    changed = await repository.enable(work.session, work.customer_id, user_id)
    return await _told(work, user_id, events.USER_ENABLED) if changed else found


async def logged_in(work: UnitOfWork, user: UserRow, address: str) -> None:
    work.record(events.STREAM, events.LOGGED_IN, user.id, username=user.username, address=address)


async def login_failed(work: UnitOfWork, user: UserRow | None, address: str) -> None:
    """An unknown name is not written down: people type passwords into the wrong field."""
    key = events.UNKNOWN_USER if user is None else user.id
    name = None if user is None else user.username
    disabled = user is not None and user.disabled_at_us is not None
    work.record(
        events.STREAM, events.LOGIN_FAILED, key, username=name, address=address, disabled=disabled
    )


async def ensure_customer(work: UnitOfWork, name: str, public_id: str | None = None) -> CustomerRow:
    """The installation's own customer, made if there is none yet, once however many start."""
    await repository.lock_first_start(work.session)
    found = await repository.first_customer(work.session)
    if found is not None:
        return found
    return await repository.insert_customer(work.session, public_id or new_id(), name)


async def first_start_admin(
    work: UnitOfWork, passwords: PasswordService, given: str | None = None
) -> FirstAdmin | None:
    """An administrator with the `given` password, else a generated one; None where somebody can
    administer already. Raises ValidationFailed for a given one that is none."""
    await repository.lock_first_start(work.session)
    if await repository.active_admins(work.session, work.customer_id):
        return None
    password = given or _generated_password()
    rules.check_new_password(rules.FIRST_ADMIN, password)
    password_hash = await passwords.hash(password)
    made = await _insert(
        work,
        username=rules.FIRST_ADMIN,
        display_name="Administrator",
        role=Role.ADMIN,
        password_hash=password_hash,
    )
    if made is None:
        await _take_over_demo_admin(work, password_hash)
    return FirstAdmin(rules.FIRST_ADMIN, password)


async def ensure_demo_accounts(work: UnitOfWork, passwords: PasswordService) -> list[str]:
    """The usernames that have their documented password now. An account that somebody made or
    changed is left as it is."""
    await repository.lock_first_start(work.session)
    for user in await repository.demo_users(work.session, work.customer_id):
        await enable_user(work, user.id)
    known = {user.username for user in await repository.demo_users(work.session, work.customer_id)}
    for account in rules.DEMO_ACCOUNTS:
        if account.username in known:
            continue
        made = await _insert(
            work,
            username=account.username,
            display_name=account.display_name,
            role=account.role,
            password_hash=await passwords.hash(account.password),
            is_demo=True,
        )
        known |= {account.username} if made else set()
    return sorted(known)


async def retire_demo_accounts(work: UnitOfWork) -> list[str]:
    """For a start without the demo: nobody gets in by a documented password. Who was closed."""
    await repository.lock_first_start(work.session)
    closed = []
    for user in await repository.demo_users(work.session, work.customer_id):
        # Not `disable_user`: the last administrator goes too, a first-start one follows.
        if await repository.disable(work.session, work.customer_id, user.id, work.now_us):
            await _told(work, user.id, events.USER_DISABLED)
            closed.append(user.username)
    return closed


async def _insert(
    work: UnitOfWork,
    *,
    username: str,
    display_name: str,
    role: Role,
    password_hash: str,
    is_demo: bool = False,
    **profile: Any,
) -> UserRow | None:
    row = User(
        id=new_id(),
        customer_id=work.customer_id,
        username=username,
        display_name=display_name,
        password_hash=password_hash,
        role=role,
        created_at_us=work.now_us,
        is_demo=is_demo,
        **profile,
    )
    if not await repository.insert_user(work.session, row):
        return None
    return await _told(work, row.id, events.USER_CREATED)


async def _existing(work: UnitOfWork, user_id: str) -> UserRow:
    found = await repository.user_of(work.session, work.customer_id, user_id)
    if found is None:
        raise NotFound("User", user_id)
    return found


async def _told(work: UnitOfWork, user_id: str, kind: str) -> UserRow:
    """Records the fact with the row as it became, and returns that."""
    await repository.touch(work.session, user_id, work.now_us)
    user = await _existing(work, user_id)
    work.record(events.STREAM, kind, user.id, **rules.public(user))
    return user


async def _free_email(work: UnitOfWork, email: str | None, user_id: str) -> str | None:
    """What is compared of it. Two at once are told apart by the constraint."""
    key = rules.email_key(email)
    if key is not None and await repository.has_email(work.session, key, user_id):
        raise Conflict(EMAIL_TAKEN, field="email")
    return key


def _shown(user: UserRow, changes: dict[str, Any]) -> dict[str, Any]:
    """The name that is shown follows the two that it is made of."""
    if not {"first_name", "last_name"} & changes.keys():
        return {}
    parts = (changes.get(name, getattr(user, name)) for name in ("first_name", "last_name"))
    whole = " ".join(part for part in parts if part)
    return {"display_name": whole} if whole else {}


async def _keep_an_admin(work: UnitOfWork, leaving: str) -> None:
    admins = await repository.active_admins(work.session, work.customer_id)
    rules.keep_an_admin(admins, leaving)


async def _take_over_demo_admin(work: UnitOfWork, password_hash: str) -> None:
    """The demo's closed `admin` becomes the first-start one; any other `admin` is somebody's."""
    demo = await repository.demo_users(work.session, work.customer_id)
    found = next((user for user in demo if user.username == rules.FIRST_ADMIN), None)
    if found is None:
        raise Conflict("There is no active administrator, and the name is taken")
    await repository.enable(work.session, work.customer_id, found.id)
    await set_password(work, found.id, password_hash)
    await repository.set_role(work.session, work.customer_id, found.id, Role.ADMIN)


def _generated_password() -> str:
    return "".join(secrets.choice(rules.GENERATED_SIGNS) for _ in range(rules.GENERATED_LENGTH))

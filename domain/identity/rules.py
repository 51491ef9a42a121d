"""Pure decisions about users: who they are to the rest, what a password must be."""

from collections.abc import Collection
from typing import Any, Final, NamedTuple

from domain.identity.commands import CreateUser
from domain.identity.rows import UserRow
from domain.kernel.actor import Actor, ActorKind
from domain.kernel.errors import Conflict, ValidationFailed
from domain.kernel.permissions import ROLE_PERMISSIONS, Permission, Role

MIN_PASSWORD: Final = 8  # characters, NIST SP 800-63B section 3.1.1.2 for a second-factor-less use
# No 0 O o, 1 I l: an operator types it from a terminal. 32 signs, so 5 bits each.
GENERATED_SIGNS: Final = "23456789abcdefghijkmnpqrstuvwxyz"
GENERATED_LENGTH: Final = 20
FIRST_ADMIN: Final = "admin"
NO_PASSWORD: Final = ""
"""In the place of a hash: no password is right. A check costs as much as any other."""


class DemoAccount(NamedTuple):
    """Documented, secret included: it exists in a demo only."""

    username: str
    password: str
    role: Role
    display_name: str


DEMO_ACCOUNTS: Final = (
    DemoAccount("operator", "operator123", Role.OPERATOR, "John Operator"),
    DemoAccount("manager", "manager123", Role.MANAGER, "Mary Manager"),
    DemoAccount("admin", "admin123", Role.ADMIN, "Ada Admin"),
    DemoAccount("auditor", "auditor123", Role.AUDITOR, "Arthur Auditor"),
)


def actor_of(user: UserRow) -> Actor:
    """The user as everything else knows it."""
    return Actor(
        kind=ActorKind.USER,
        customer_id=user.customer_id,
        id=user.id,
        name=user.username,
        permissions=ROLE_PERMISSIONS[user.role],
        role=user.role,
    )


def roles_with(permission: Permission) -> list[Role]:
    return [role for role, held in ROLE_PERMISSIONS.items() if permission in held]


def public(user: UserRow) -> dict[str, Any]:
    """What facts tell of a user."""
    return {
        "id": user.id,
        "username": user.username,
        "display_name": user.display_name,
        "role": str(user.role),
        "created_at_us": user.created_at_us,
        "disabled_at_us": user.disabled_at_us,
    }


def display_name(command: CreateUser) -> str:
    """What is shown of somebody of whom it was not said."""
    whole = " ".join(part for part in (command.first_name, command.last_name) if part)
    return command.display_name or whole or command.username


def email_key(email: str | None) -> str | None:
    return None if email is None else email.casefold()


def check_new_password(username: str, password: str) -> None:
    """Raises ValidationFailed. Length is what counts; rules about signs only make people forget."""
    if len(password) < MIN_PASSWORD:
        raise ValidationFailed("password", f"must have at least {MIN_PASSWORD} characters")
    if password.casefold() == username.casefold():
        raise ValidationFailed("password", "must not be the username")


def keep_an_admin(active_admins: Collection[str], leaving: str) -> None:
    """Raises Conflict when `leaving` is the only one who could let others in again."""
    if leaving in active_admins and len(active_admins) == 1:
        raise Conflict("This is the last active administrator")

"""What can be asked of identity. Passwords never show in a representation."""

from typing import Annotated

from pydantic import Field, StringConstraints

from domain.identity.models import ConsentDocument
from domain.kernel.commands import Command
from domain.kernel.permissions import Role

# The patterns also refuse lone surrogates and NUL, which no database would take.
Username = Annotated[
    str, StringConstraints(min_length=1, max_length=128, pattern=r"^[^\s\x00-\x1f\x7f]+$")
]
DisplayName = Annotated[
    str, StringConstraints(min_length=1, max_length=128, pattern=r"^[^\x00-\x1f\x7f]+$")
]
PasswordText = Annotated[str, StringConstraints(min_length=1, max_length=1024, pattern=r"(?s)^.+$")]
Password = Annotated[PasswordText, Field(repr=False)]


class Login(Command):
    """Whoever tries; a username may be anything that people type."""

    username: DisplayName
    password: Password


Email = Annotated[
    str,
    StringConstraints(
        max_length=128, pattern=r"^[^\s@\x00-\x1f\x7f-\x9f]+@[^\s@\x00-\x1f\x7f-\x9f]+$"
    ),
]
Name = Annotated[
    str, StringConstraints(min_length=1, max_length=64, pattern=r"^[^\x00-\x1f\x7f]+$")
]
DocumentVersion = Annotated[
    str,
    StringConstraints(
        max_length=64,
        pattern=r"^(0|[1-9]\d*)(\.(0|[1-9]\d*)){0,2}(-[0-9A-Za-z.-]+)?(\+[0-9A-Za-z.-]+)?$",
    ),
]
"""Semantic, of which clients leave out what is zero."""


class CreateUser(Command):
    """`display_name` is the first and last name where none is given, or the username. Without a
    password nobody can log in until somebody sets one."""

    username: Username
    password: PasswordText | None = Field(default=None, repr=False)
    role: Role
    display_name: DisplayName | None = None
    first_name: Name | None = None
    last_name: Name | None = None
    email: Email | None = None
    language: Name | None = None


class UpdateUser(Command):
    """Only what is given changes; None takes it away."""

    user_id: str
    role: Role | None = None
    first_name: Name | None = None
    last_name: Name | None = None
    email: Email | None = None
    language: Name | None = None


class GiveConsents(Command):
    """One version of each document."""

    versions: Annotated[dict[ConsentDocument, DocumentVersion], Field(min_length=1)]


class SetPassword(Command):
    user_id: str
    password: Password


class SetRole(Command):
    user_id: str
    role: Role

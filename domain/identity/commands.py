"""What can be asked of identity. Passwords never show in a representation."""

from typing import Annotated

from pydantic import Field, StringConstraints

from domain.kernel.commands import Command
from domain.kernel.permissions import Role

# The patterns also refuse lone surrogates and NUL, which no database would take.
Username = Annotated[
    str, StringConstraints(min_length=1, max_length=128, pattern=r"^[^\s\x00-\x1f\x7f]+$")
]
DisplayName = Annotated[
    str, StringConstraints(min_length=1, max_length=128, pattern=r"^[^\x00-\x1f\x7f]+$")
]
Password = Annotated[
    str, StringConstraints(min_length=1, max_length=1024, pattern=r"(?s)^.+$"), Field(repr=False)
]


class Login(Command):
    """Whoever tries; a username may be anything that people type."""

    username: DisplayName
    password: Password


class CreateUser(Command):
    """`display_name` is the username where none is given."""

    username: Username
    password: Password
    role: Role
    display_name: DisplayName | None = None


class SetPassword(Command):
    user_id: str
    password: Password


class SetRole(Command):
    user_id: str
    role: Role

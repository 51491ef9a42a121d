"""Inputs of users and of what they agree to, each named after its mutation."""

import strawberry
from strawberry import UNSET

from domain.identity.commands import CreateUser, GiveConsents, SetPassword, UpdateUser
from domain.identity.models import ConsentDocument
from domain.kernel.errors import ValidationFailed
from domain.kernel.permissions import Role
from graph.pagination import plain_id


@strawberry.input(description="Without a password nobody can log in until one is set")
class CreateUserInput:
    username: str
    role: Role
    password: str | None = None
    display_name: str | None = None
    first_name: str | None = None
    last_name: str | None = None
    email: str | None = None
    language: str | None = None

    def command(self) -> CreateUser:
        return CreateUser.of(**vars(self))


@strawberry.input(description="Only what is given changes; null takes a name or an email away")
class UpdateUserInput:
    id: strawberry.ID
    role: Role | None = None
    first_name: str | None = UNSET
    last_name: str | None = UNSET
    email: str | None = UNSET
    language: str | None = UNSET

    def command(self) -> UpdateUser:
        given = {name: value for name, value in vars(self).items() if value is not UNSET}
        return UpdateUser.of(user_id=plain_id(given.pop("id"), "User"), **given)


@strawberry.input
class SetPasswordInput:
    id: strawberry.ID
    password: str

    def command(self) -> SetPassword:
        return SetPassword.of(user_id=plain_id(self.id, "User"), password=self.password)


@strawberry.input
class ConsentInput:
    document: ConsentDocument
    version: str = strawberry.field(description="Semantic")


@strawberry.input(description="One version of each document")
class GiveConsentsInput:
    consents: list[ConsentInput]

    def command(self) -> GiveConsents:
        versions = {one.document: one.version for one in self.consents}
        if len(versions) < len(self.consents):
            raise ValidationFailed("consents", "names a document twice")
        return GiveConsents.of(versions=versions)

"""What the graph shows of identity."""

import strawberry

from domain.identity.models import ConsentDocument
from domain.identity.rows import ConsentRow, CustomerRow, UserRow
from domain.identity.rules import actor_of
from domain.kernel.permissions import Role
from graph.identity import loaders
from graph.identity.resolvers import LoginResult
from graph.info import Info
from graph.pagination import Node, global_id
from graph.scalars import Timestamp, moment

strawberry.enum(Role, name="Role")
strawberry.enum(ConsentDocument, name="ConsentDocument")


@strawberry.type(description="A version of a document that a user agreed to")
class Consent:
    document: ConsentDocument
    version: str
    agreed_at: Timestamp


@strawberry.type(description="Whose everything here is")
class Customer:
    id: strawberry.ID
    name: str


@strawberry.type(description="Somebody who can log in")
class User(Node):
    username: str
    role: Role
    display_name: str
    first_name: str | None
    last_name: str | None
    email: str | None
    language: str | None
    created_at: Timestamp
    updated_at: Timestamp
    disabled_at: Timestamp | None
    row: strawberry.Private[UserRow]

    @strawberry.field(description="What this user may, as `context:resource:action`")
    def permissions(self) -> list[str]:
        return sorted(map(str, actor_of(self.row).permissions))

    @strawberry.field(description="All that this user has agreed to, the oldest first")
    async def consents(self, info: Info) -> list[Consent]:
        rows = await loaders.consents_by_user(info.context).load(self.row.id)
        return [consent_type(row) for row in rows]


@strawberry.type
class LoginPayload:
    token: str
    expires_at: Timestamp
    user: User


@strawberry.type(description="What there is to be")
class RoleInfo:
    role: Role
    permissions: list[str] = strawberry.field(description="As `context:resource:action`")


def consent_type(row: ConsentRow) -> Consent:
    return Consent(
        document=ConsentDocument(row.document),
        version=row.version,
        agreed_at=Timestamp(row.agreed_at_us),
    )


def customer_type(row: CustomerRow) -> Customer:
    return Customer(id=strawberry.ID(row.public_id), name=row.name)


def user_type(row: UserRow) -> User:
    return User(
        id=global_id("User", row.id),
        username=row.username,
        role=Role(row.role),
        display_name=row.display_name,
        first_name=row.first_name,
        last_name=row.last_name,
        email=row.email,
        language=row.language,
        created_at=Timestamp(row.created_at_us),
        updated_at=Timestamp(row.updated_at_us or row.created_at_us),
        disabled_at=moment(row.disabled_at_us),
        row=row,
    )


def login_payload(result: LoginResult) -> LoginPayload:
    return LoginPayload(
        token=result.token,
        expires_at=Timestamp(result.expires_at_us),
        user=user_type(result.user),
    )

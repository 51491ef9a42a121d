"""What the graph shows of identity."""

import strawberry

from domain.identity.rows import UserRow
from domain.identity.rules import actor_of
from domain.kernel.permissions import Role
from graph.identity.resolvers import LoginResult
from graph.pagination import Node, global_id
from graph.scalars import Timestamp, moment

strawberry.enum(Role, name="Role")


@strawberry.type(description="Somebody who can log in")
class User(Node):
    username: str
    role: Role
    display_name: str
    created_at: Timestamp
    disabled_at: Timestamp | None
    row: strawberry.Private[UserRow]

    @strawberry.field(description="What this user may, as `context:resource:action`")
    def permissions(self) -> list[str]:
        return sorted(map(str, actor_of(self.row).permissions))


@strawberry.type
class LoginPayload:
    token: str
    expires_at: Timestamp
    user: User


def user_type(row: UserRow) -> User:
    return User(
        id=global_id("User", row.id),
        username=row.username,
        role=Role(row.role),
        display_name=row.display_name,
        created_at=Timestamp(row.created_at_us),
        disabled_at=moment(row.disabled_at_us),
        row=row,
    )


def login_payload(result: LoginResult) -> LoginPayload:
    return LoginPayload(
        token=result.token,
        expires_at=Timestamp(result.expires_at_us),
        user=user_type(result.user),
    )

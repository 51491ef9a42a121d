"""What the graph shows of programs: OAuth clients, API keys. Never a secret but a new one."""

import strawberry

from domain.identity.api_keys.rows import ApiKeyRow
from domain.identity.oauth.models import GrantType
from domain.identity.oauth.rows import ClientRow
from domain.kernel.permissions import Role
from graph.identity.resolvers import ClientWithSecret, CreatedKey
from graph.pagination import Node, global_id
from graph.scalars import Timestamp, moment

strawberry.enum(GrantType, name="OAuthGrantType")


@strawberry.type(name="OAuthScope", description="What an OAuth client may be given")
class OAuthScope:
    name: str
    permissions: list[str]


@strawberry.type(name="OAuthClient", description="A program that asks for tokens of its own")
class OAuthClient(Node):
    client_id: str
    name: str
    scopes: list[str]
    grant_types: list[GrantType]
    created_at: Timestamp
    created_by: str
    secret_changed_at: Timestamp
    disabled_at: Timestamp | None


@strawberry.type(name="OAuthClientWithSecret")
class OAuthClientWithSecret:
    client: OAuthClient
    secret: str = strawberry.field(description="Shown this once, and kept nowhere")


@strawberry.type(description="What a program that only knows a header gets in by")
class ApiKey(Node):
    name: str
    prefix: str = strawberry.field(description="How the key begins")
    role: Role
    created_at: Timestamp
    created_by: str
    last_used_at: Timestamp | None = strawberry.field(description="Right to the minute")
    expires_at: Timestamp | None
    revoked_at: Timestamp | None


@strawberry.type
class CreatedApiKey:
    api_key: ApiKey
    key: str = strawberry.field(description="Shown this once, and kept nowhere")


def client_type(row: ClientRow) -> OAuthClient:
    return OAuthClient(
        id=global_id("OAuthClient", row.id),
        client_id=row.client_id,
        name=row.name,
        scopes=row.scopes.split(),
        grant_types=[GrantType(word) for word in row.grant_types.split()],
        created_at=Timestamp(row.created_at_us),
        created_by=row.created_by,
        secret_changed_at=Timestamp(row.secret_changed_at_us),
        disabled_at=moment(row.disabled_at_us),
    )


def client_with_secret(made: ClientWithSecret) -> OAuthClientWithSecret:
    return OAuthClientWithSecret(client=client_type(made.client), secret=made.secret)


def api_key_type(row: ApiKeyRow) -> ApiKey:
    return ApiKey(
        id=global_id("ApiKey", row.id),
        name=row.name,
        prefix=row.prefix,
        role=row.role,
        created_at=Timestamp(row.created_at_us),
        created_by=row.created_by,
        last_used_at=moment(row.last_used_at_us),
        expires_at=moment(row.expires_at_us),
        revoked_at=moment(row.revoked_at_us),
    )


def created_api_key(made: CreatedKey) -> CreatedApiKey:
    return CreatedApiKey(api_key=api_key_type(made.row), key=made.key)

"""Inputs of what programs get in by, each named after its mutation."""

import strawberry

from domain.identity.api_keys.commands import CreateApiKey
from domain.identity.oauth.commands import CreateClient
from domain.identity.oauth.models import GrantType
from domain.kernel.permissions import Role
from graph.scalars import Timestamp


@strawberry.input(name="CreateOAuthClientInput")
class CreateOAuthClientInput:
    name: str
    scopes: list[str] = strawberry.field(description="The most that its tokens may carry")
    grant_types: list[GrantType] = strawberry.field(
        default_factory=lambda: [GrantType.CLIENT_CREDENTIALS]
    )

    def command(self) -> CreateClient:
        return CreateClient.of(
            name=self.name, scopes=tuple(self.scopes), grant_types=tuple(self.grant_types)
        )


@strawberry.input
class CreateApiKeyInput:
    name: str
    role: Role
    expires_at: Timestamp | None = None

    def command(self) -> CreateApiKey:
        return CreateApiKey.of(name=self.name, role=self.role, expires_at_us=self.expires_at)

"""Clients and their requests, as the resolvers of the OAuth endpoints take them."""

from base64 import b64encode
from typing import Any, NamedTuple

from domain.identity.mappings import OTAO
from domain.identity.oauth import operations, rules
from domain.identity.oauth.commands import CreateClient
from domain.identity.oauth.models import GrantType
from domain.identity.oauth.ports import OAuthRequest
from domain.identity.oauth.rows import ClientRow
from domain.kernel.actor import system_actor
from domain.kernel.uow import Transactions
from graph.context import Context
from graph.identity import resolvers
from graph.identity.resolvers import TokenAnswer
from tests.support.contexts import IdentityPeers

ISSUER = "https://factory.example"
HERE = "192.0.2.7"
PASSWORD = "long enough"
EVERYTHING = " ".join(OTAO)
BOTH = tuple(GrantType)
READ = "application:software:read"
UPDATE = "application:software:update"
HOUR_S = 3600
DAY_S = 24 * HOUR_S


def basic(client_id: str, secret: str) -> str:
    return "Basic " + b64encode(f"{client_id}:{secret}".encode()).decode()


class Program(NamedTuple):
    """A client that knows its secret."""

    row: ClientRow
    secret: str

    def request(self, **form: str) -> OAuthRequest:
        return OAuthRequest(form, basic(self.row.client_id, self.secret), ISSUER, HERE)

    async def own_tokens(self, context: Context, **more: str) -> TokenAnswer:
        asked = self.request(grant_type="client_credentials", **more)
        return await resolvers.issue_tokens(context, asked)

    async def log_in(
        self, context: Context, username: str, password: str = PASSWORD, **more: str
    ) -> TokenAnswer:
        who = {"username": username, "password": password}
        return await resolvers.issue_tokens(
            context, self.request(grant_type="password", **who, **more)
        )

    async def refresh(self, context: Context, answer: TokenAnswer, **more: str) -> TokenAnswer:
        assert answer.refresh_token is not None
        shown = {"refresh_token": answer.refresh_token}
        return await resolvers.issue_tokens(
            context, self.request(grant_type="refresh_token", **shown, **more)
        )

    async def inspect(self, context: Context, token: str | None, **more: str) -> dict[str, Any]:
        return await resolvers.introspect_token(context, self.request(token=token or "", **more))


async def program(
    transactions: Transactions,
    peers: IdentityPeers,
    customer_id: int,
    scopes: str = EVERYTHING,
    grant_types: tuple[GrantType, ...] = BOTH,
) -> Program:
    secret = rules.new_secret()
    command = CreateClient.of(name="A program", scopes=scopes.split(), grant_types=grant_types)
    async with transactions.begin(system_actor("test", customer_id)) as work:
        mac = peers.macs.of(rules.PURPOSE, secret)
        return Program(await operations.create_client(work, command, mac), secret)

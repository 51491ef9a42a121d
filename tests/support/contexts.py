"""Contexts for calling resolvers as a face does, with real services behind them."""

from dataclasses import dataclass, fields
from pathlib import Path
from typing import Any

from domain.identity.oauth.ports import OAuthServices
from domain.identity.ports import IdentityServices, TokenKind
from domain.identity.rows import UserRow
from domain.identity.rules import actor_of
from domain.kernel.actor import ANONYMOUS, Actor
from domain.kernel.database import Database
from domain.kernel.tail import LogTail
from domain.kernel.uow import Transactions
from drivers.identity.actors import ActorSource, Tokens, UserSource
from drivers.identity.api_keys import StoredKeys
from drivers.identity.keys import KeyRing
from drivers.identity.macs import FileMacs
from drivers.identity.oauth.protocol import AuthlibProtocol
from drivers.identity.oauth.sources import ClientSource, GrantSource
from drivers.identity.passwords import Argon2Passwords
from drivers.identity.throttle import Throttle, ThrottleSettings
from drivers.identity.tokens import TokenSettings
from graph.context import Context, Policy, Services
from tests.support.clocks import ManualClock

REFRESH_LIFETIME_S = 30 * 24 * 3600


@dataclass(frozen=True, slots=True)
class IdentityPeers:
    """The real services of identity, by their own types."""

    passwords: Argon2Passwords
    tokens: Tokens
    throttle: Throttle
    macs: FileMacs
    oauth: OAuthServices

    def bundle(self) -> IdentityServices:
        return IdentityServices(self.passwords, self.tokens, self.throttle, self.macs, self.oauth)

    async def close(self) -> None:
        self.passwords.close()
        await self.throttle.close()


def identity_peers(
    transactions: Transactions,
    clock: ManualClock,
    folder: Path,
    throttle: ThrottleSettings | None = None,
) -> IdentityPeers:
    """Those of a factory."""
    database, macs = transactions.database, FileMacs.in_folder(folder / "keys")
    sources: dict[TokenKind, ActorSource] = {
        TokenKind.CLIENT: ClientSource(database),
        TokenKind.GRANT: GrantSource(database),
        TokenKind.USER: UserSource(database),
    }
    keys = StoredKeys(transactions, macs)
    return IdentityPeers(
        Argon2Passwords(),
        Tokens(KeyRing(folder / "keys"), TokenSettings(), clock, sources, api_keys=keys),
        Throttle(throttle or ThrottleSettings(), clock),
        macs,
        OAuthServices(AuthlibProtocol(macs, clock), refresh_lifetime_s=REFRESH_LIFETIME_S),
    )


def services_of(
    database: Database, transactions: Transactions, tail: LogTail, identity: IdentityServices
) -> Services:
    """Only what identity and the journal use; the rest is absent, not played."""
    given: dict[str, Any] = {
        "database": database,
        "transactions": transactions,
        "clock": transactions.clock,
        "tail": tail,
        "policy": Policy(),
        "identity": identity,
    }
    return Services(**{field.name: None for field in fields(Services)} | given)


def context_of(services: Services, who: Actor | UserRow = ANONYMOUS) -> Context:
    return Context(who if isinstance(who, Actor) else actor_of(who), services)

"""Contexts for calling resolvers as a face does, with real services behind them."""

from dataclasses import dataclass, fields
from pathlib import Path
from typing import Any

from domain.identity.ports import IdentityServices, TokenKind
from domain.identity.rows import UserRow
from domain.identity.rules import actor_of
from domain.kernel.actor import ANONYMOUS, Actor
from domain.kernel.database import Database
from domain.kernel.tail import LogTail
from domain.kernel.uow import Transactions
from drivers.identity.actors import Tokens, UserSource
from drivers.identity.keys import KeyRing
from drivers.identity.passwords import Argon2Passwords
from drivers.identity.throttle import Throttle, ThrottleSettings
from drivers.identity.tokens import TokenSettings
from graph.context import Context, Policy, Services
from tests.support.clocks import ManualClock


@dataclass(frozen=True, slots=True)
class IdentityPeers:
    """The real services of identity, by their own types."""

    passwords: Argon2Passwords
    tokens: Tokens
    throttle: Throttle

    def bundle(self) -> IdentityServices:
        return IdentityServices(self.passwords, self.tokens, self.throttle)

    async def close(self) -> None:
        self.passwords.close()
        await self.throttle.close()


def identity_peers(
    database: Database,
    clock: ManualClock,
    folder: Path,
    throttle: ThrottleSettings | None = None,
) -> IdentityPeers:
    sources = {TokenKind.USER: UserSource(database)}
    return IdentityPeers(
        Argon2Passwords(),
        Tokens(KeyRing(folder / "keys"), TokenSettings(), clock, sources),
        Throttle(throttle or ThrottleSettings(), clock),
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

"""Tokens of devices: whose they are, and when they are good no more."""

from domain.fleet import events
from domain.fleet.repository import devices
from domain.identity.ports import TokenClaims
from domain.kernel.actor import Actor, ActorKind
from domain.kernel.database import Database
from domain.kernel.errors import Unauthorized
from domain.kernel.permissions import DEVICE_PERMISSIONS
from drivers.identity.actors import Standing


class DeviceSource:
    """Devices of this installation's database, an ActorSource. The actor's name is the device's
    identifier; what it may is its own only."""

    stream = events.STREAM
    ends_tokens = events.ENDS_TOKENS

    def __init__(self, database: Database) -> None:
        self._database = database

    async def standing(self, claims: TokenClaims) -> Standing:
        async with self._database.read() as session:
            found = await devices.token_subject(session, claims.subject)
        if found is None or found.token_generation != claims.generation:
            raise Unauthorized("Invalid or missing token")
        if found.customer_public_id != claims.customer:
            raise Unauthorized("Invalid or missing token")
        actor = Actor(
            kind=ActorKind.DEVICE,
            customer_id=found.customer_id,
            id=found.id,
            name=found.identifier,
            permissions=DEVICE_PERMISSIONS,
        )
        return Standing(actor, frozenset({found.id}))

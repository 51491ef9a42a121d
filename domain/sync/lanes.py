"""Whose queue is delivered: by which durable reader of the log, which way, and whether at all."""

from dataclasses import dataclass
from typing import Final, Protocol

from domain.kernel.database import ReadSession
from domain.sync.models import ConnectionMode
from domain.sync.repository.queue import EDGE_READER, FORWARD_READER


class Switch(Protocol):
    """The factory's setting `cloudSyncEnabled`."""

    async def is_on(self, session: ReadSession, customer_id: int) -> bool: ...


@dataclass(frozen=True, slots=True)
class Lane:
    """Without a `mode` the customer's connection says which way; without a switch it is open."""

    reader: str
    mode: ConnectionMode | None = None
    switch: Switch | None = None

    async def is_open(self, session: ReadSession, customer_id: int) -> bool:
        return self.switch is None or await self.switch.is_on(session, customer_id)


EDGE_LANE: Final = Lane(EDGE_READER)


def forward_lane(switch: Switch) -> Lane:
    """What edges delivered to a factory, and what was changed there, on to the cloud."""
    return Lane(FORWARD_READER, ConnectionMode.DIRECT_CLOUD, switch)

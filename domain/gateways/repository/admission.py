"""Whom a broker lets in."""

from sqlalchemy import select

from domain.gateways.repository.gateways import GATEWAY
from domain.kernel.database import ReadSession


async def admitted(session: ReadSession) -> list[tuple[str, str]]:
    """(thing name, id) of every gateway of every customer: the broker knows no customers. Also of
    those that have no certificate yet, so that nobody is refused for being quick."""
    query = select(GATEWAY.c.thing_name, GATEWAY.c.id).order_by(GATEWAY.c.id)
    return [(row[0], row[1]) for row in await session.execute(query)]

"""Statements on update commands beside the rollouts that sent them."""

from sqlalchemy import or_, select, text

from domain.fleet.models import CommandState, CommandType
from domain.fleet.repository.commands import COMMAND
from domain.kernel.database import ReadSession
from domain.software.models import TargetState
from domain.software.ports import UndoneUpdate
from domain.software.repository.targets import TARGET

REMOVED = "REMOVED"
# Written out, so that both planners see that the index on what is in flight serves.
_IN_FLIGHT = text("state IN ('DISPATCHED', 'DOWNLOADING', 'VERIFYING', 'INSTALLING', 'REBOOTING')")


async def undone(session: ReadSession, limit: int) -> list[UndoneUpdate]:
    """Of any customer: commands that ended without effect while their target waits for one."""
    flying = (
        select(TARGET.c.device_id, TARGET.c.command_id, TARGET.c.state).where(_IN_FLIGHT).subquery()
    )
    same = (COMMAND.c.device_id == flying.c.device_id) & (COMMAND.c.key == flying.c.command_id)
    ended = (CommandState.FAILED, CommandState.CANCELLED)
    query = (
        select(COMMAND.c.customer_id, COMMAND.c.key, COMMAND.c.error, COMMAND.c.state)
        .join_from(flying, COMMAND, same)
        .where(
            flying.c.state == TargetState.DISPATCHED,
            COMMAND.c.type == CommandType.UPDATE_FIRMWARE,
            or_(COMMAND.c.state.in_(ended), COMMAND.c.error_code == REMOVED),
        )
        .limit(limit)
    )
    return [
        UndoneUpdate(row[0], row[1], row[2] or f"the command is {row[3]}")
        for row in await session.execute(query)
    ]

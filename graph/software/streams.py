"""Rollouts, live."""

from collections.abc import Mapping
from typing import Any

from domain.kernel.errors import NotFound
from domain.kernel.eventlog import LogRow
from domain.kernel.permissions import Permission
from domain.software import events
from graph.context import Context
from graph.pagination import plain_id
from graph.scalars import Timestamp
from graph.software import resolvers
from graph.software.types import (
    RolloutStreamItem,
    group_type,
    progress_type,
    rollout_type,
    step_type,
    target_type,
)
from graph.streams import StreamSource

Arguments = Mapping[str, Any]
_KINDS = frozenset({events.ROLLOUT_CREATED, events.ROLLOUT_CHANGED, events.TARGET_CHANGED})


def _rollout(row: LogRow, arguments: Arguments, context: Context) -> RolloutStreamItem | None:
    if row.kind not in _KINDS or row.customer_id != context.customer_id:
        return None
    if row.key != _plain(arguments):
        return None
    if row.kind != events.TARGET_CHANGED:
        return _item(row, context)
    step = row.data["step"]
    return RolloutStreamItem(
        cursor=context.services.tail.cursor(row.seq),
        at=Timestamp(row.occurred_at_us),
        rollout=rollout_type(events.rollout_of(row.data["rollout"])),
        group=group_type(events.group_of(row.data["group"])),
        target=target_type(events.target_of(row.data["target"])),
        step=None if step is None else step_type(events.step_of(step)),
    )


def _item(row: LogRow, context: Context) -> RolloutStreamItem:
    return RolloutStreamItem(
        cursor=context.services.tail.cursor(row.seq),
        at=Timestamp(row.occurred_at_us),
        rollout=progress_type(events.progress_of(row.data)),
        group=None,
        target=None,
        step=None,
    )


def _plain(arguments: Arguments) -> str:
    given = str(arguments["id"])
    return plain_id(plain_id(given, "Deployment"), "Rollout")


def _may_read(context: Context) -> None:
    context.actor.require(Permission.SOFTWARE_ROLLOUT_READ)


async def _admit(context: Context, arguments: Arguments) -> None:
    """A stream about nothing would stay silent for ever."""
    rollout_id = _plain(arguments)
    if await resolvers.rollout(context, rollout_id) is None:
        raise NotFound("Rollout", rollout_id)


SOURCES = (StreamSource("rollout", _may_read, _rollout, _admit),)

"""Statements on the scans that begin and end jobs: a window on those of a gateway, in the order in
which they happened, by a batch at a time."""

from collections.abc import Sequence
from typing import Final, NamedTuple

from sqlalchemy import ColumnElement, and_, func, or_, select

from domain.jobs.rows import JobConfigurationRow, ReadRow
from domain.kernel.columns import table_of
from domain.kernel.database import ReadSession
from domain.production.models import GatewayScan, Scan

SCAN: Final = table_of(Scan)
TOLD: Final = table_of(GatewayScan)
BATCH: Final = 1_000


class Place(NamedTuple):
    """Behind this scan."""

    occurred_at_us: int
    scan_id: str


class Window(NamedTuple):
    """From `from_us` to `to_us`, both included, of one gateway; without what is up to `after`."""

    gateway_id: str
    from_us: int
    to_us: int
    after: Place | None = None


async def batch(
    session: ReadSession, customer_id: int, job: JobConfigurationRow, window: Window
) -> list[ReadRow]:
    """The next that may begin or end such a job; less than BATCH of them are the last."""
    query = (
        select(TOLD.c.scan_id, TOLD.c.occurred_at_us, SCAN.c.code)
        .join_from(TOLD, SCAN, SCAN.c.id == TOLD.c.scan_id)
        .where(
            TOLD.c.customer_id == customer_id,
            TOLD.c.gateway_id == window.gateway_id,
            *_within(window),
            or_(*(_starts_with(text) for text in {job.start_barcode, job.end_barcode})),
        )
        .order_by(TOLD.c.occurred_at_us, TOLD.c.scan_id)
        .limit(BATCH)
    )
    return [ReadRow(*row) for row in await session.execute(query)]


async def place_of(
    session: ReadSession, customer_id: int, gateway_id: str, scan_id: str
) -> Place | None:
    query = select(TOLD.c.occurred_at_us).where(
        TOLD.c.customer_id == customer_id,
        TOLD.c.gateway_id == gateway_id,
        TOLD.c.scan_id == scan_id,
    )
    occurred_at_us = await session.scalar(query)
    return None if occurred_at_us is None else Place(occurred_at_us, scan_id)


def _within(window: Window) -> Sequence[ColumnElement[bool]]:
    at_us, scan_id = TOLD.c.occurred_at_us, TOLD.c.scan_id
    upper = at_us <= window.to_us
    if window.after is None:
        return (at_us >= window.from_us, upper)
    after = window.after
    later = or_(
        at_us > after.occurred_at_us,
        and_(at_us == after.occurred_at_us, scan_id > after.scan_id),
    )
    # The first for the index's sake, which can do nothing with an OR.
    return (at_us >= after.occurred_at_us, later, upper)


def _starts_with(text: str) -> ColumnElement[bool]:
    """To the letter: LIKE takes small letters for capitals on SQLite, and `%` for anything."""
    return func.substr(SCAN.c.code, 1, len(text)) == text

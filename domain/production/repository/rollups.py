"""Statements on the rollups of production: what was made, in quarters of an hour."""

from collections.abc import Iterable, Mapping
from typing import Final, NamedTuple

from sqlalchemy import func, select
from sqlalchemy.dialects import postgresql, sqlite

from domain.kernel.columns import table_of
from domain.kernel.database import ReadSession, WriteSession
from domain.production.models import ProductionRollup

ROLLUP: Final = table_of(ProductionRollup)
SLOT_US: Final = 15 * 60 * 1_000_000
HERE: Final = ""


class Made(NamedTuple):
    """How many came into being, and how many batches were completed."""

    bottles: int = 0
    batches: int = 0
    batches_completed: int = 0
    pallets: int = 0

    def plus(self, other: "Made") -> "Made":
        return Made(*map(sum, zip(self, other, strict=True)))


class Place(NamedTuple):
    """Where and when, as `slot_us`, the beginning of a quarter."""

    slot_us: int
    origin: str
    line_id: str


Sums = Mapping[Place, Made]


def place(at_us: int, line_id: str | None, origin: str = HERE) -> Place:
    return Place(at_us - at_us % SLOT_US, origin, line_id or "")


def summed(entries: Iterable[tuple[Place, Made]]) -> dict[Place, Made]:
    sums: dict[Place, Made] = {}
    for where, made in entries:
        sums[where] = sums.get(where, Made()).plus(made)
    return sums


async def add(session: WriteSession, customer_id: int, sums: Sums) -> None:
    """In one order everywhere, so that two writers never wait for each other in a circle."""
    if not sums:
        return
    dialect = sqlite if session.get_bind().dialect.name == "sqlite" else postgresql
    values = [
        {"customer_id": customer_id, **where._asdict(), **sums[where]._asdict()}
        for where in sorted(sums)
    ]
    statement = dialect.insert(ROLLUP)
    more = {name: ROLLUP.c[name] + statement.excluded[name] for name in Made._fields}
    keys = [column.name for column in ROLLUP.primary_key]
    await session.execute(statement.on_conflict_do_update(index_elements=keys, set_=more), values)


async def made_between(session: ReadSession, customer_id: int, from_us: int, to_us: int) -> Made:
    """Both ends are beginnings of quarters; the last is not included."""
    query = select(*(func.coalesce(func.sum(ROLLUP.c[name]), 0) for name in Made._fields)).where(
        ROLLUP.c.customer_id == customer_id,
        ROLLUP.c.slot_us >= from_us,
        ROLLUP.c.slot_us < to_us,
    )
    return Made(*map(int, (await session.execute(query)).one()))


async def bottles_of_line(
    session: ReadSession, customer_id: int, line_id: str, since_us: int
) -> int:
    """In the quarter that `since_us` lies in and those after it, wherever they were made."""
    query = select(func.coalesce(func.sum(ROLLUP.c.bottles), 0)).where(
        ROLLUP.c.customer_id == customer_id,
        ROLLUP.c.slot_us >= since_us - since_us % SLOT_US,
        ROLLUP.c.line_id == line_id,
    )
    return int(await session.scalar(query) or 0)

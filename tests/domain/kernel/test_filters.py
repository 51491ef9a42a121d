"""A page costs what it shows, however much a customer has."""

from dataclasses import dataclass

import pytest
from sqlalchemy import select, text
from sqlalchemy.dialects import sqlite

from domain.kernel.database import Database
from domain.kernel.filters import listed
from domain.production.commands import BottleFilter
from domain.production.models import BottleStatus
from domain.production.repository.bottles import BOTTLE


@dataclass(frozen=True, slots=True)
class Case:
    wanted: BottleFilter
    way: str


CASES = (
    Case(BottleFilter(), "SCAN bottle"),
    Case(BottleFilter(line_id="line-1"), "SCAN bottle"),
    Case(BottleFilter(created_from_us=5), "SCAN bottle"),
    Case(
        BottleFilter(status=BottleStatus.CREATED),
        "SEARCH bottle USING COVERING INDEX ix_bottle_status",
    ),
)


@pytest.mark.parametrize("case", CASES)
async def test_pages_are_read_in_order(sqlite_database: Database, case: Case) -> None:
    query = select(BOTTLE.c.id).where(listed(BOTTLE, 1, case.wanted))
    query = query.order_by(BOTTLE.c.id.desc()).limit(101)
    options = {"literal_binds": True}
    statement = query.compile(dialect=sqlite.dialect(), compile_kwargs=options)
    async with sqlite_database.read() as session:
        plan = [row[3] for row in await session.execute(text(f"EXPLAIN QUERY PLAN {statement}"))]
    assert len(plan) == 1, "no step but the reading itself: nothing is sorted"
    assert plan[0].startswith(case.way)

"""Keyset paging over ids, newest first. An id is time-ordered, so a page costs what it shows."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any, Final, Generic, TypeVar

from sqlalchemy import ColumnElement, Select

from domain.kernel.database import ReadSession
from domain.kernel.errors import ValidationFailed
from domain.kernel.ids import is_id

MAX_PAGE: Final = 500
DEFAULT_PAGE: Final = 50

Row = TypeVar("Row")


@dataclass(frozen=True, slots=True)
class PageRequest:
    """A window on a list: `limit` rows after (older) or before (newer) an id."""

    limit: int = DEFAULT_PAGE
    after: str | None = None
    before: str | None = None
    from_end: bool = False


@dataclass(frozen=True, slots=True)
class Page(Generic[Row]):
    """Newest first, whichever end the window was taken from."""

    rows: Sequence[Row]
    has_next: bool
    has_previous: bool


def page_request(
    first: int | None, after: str | None, last: int | None, before: str | None
) -> PageRequest:
    """Relay's four arguments (cursors already decoded to ids), checked."""
    if first is not None and last is not None:
        raise ValidationFailed("last", "give either first or last")
    name, limit = ("last", last) if last is not None else ("first", first)
    if limit is None:
        limit = DEFAULT_PAGE
    if not 0 <= limit <= MAX_PAGE:
        raise ValidationFailed(name, f"must be from 0 to {MAX_PAGE}")
    return PageRequest(
        limit, cursor_id("after", after), cursor_id("before", before), last is not None
    )


def cursor_id(argument: str, cursor: str | None) -> str | None:
    """A list's cursor is the id of its row. Raises ValidationFailed for anything else."""
    if cursor is not None and not is_id(cursor):
        raise ValidationFailed(argument, "not a cursor of this list")
    return cursor


async def fetch_page(
    session: ReadSession,
    query: Select[Any],
    key: ColumnElement[Any],
    page: PageRequest,
    build: Callable[..., Row],
) -> Page[Row]:
    """Runs `query` for one window; one row more than asked tells whether there is a next page."""
    if page.after is not None:
        query = query.where(key < page.after)
    if page.before is not None:
        query = query.where(key > page.before)
    order = key.asc() if page.from_end else key.desc()
    found = (await session.execute(query.order_by(order).limit(page.limit + 1))).all()
    rows = [build(*row) for row in found[: page.limit]]
    more = len(found) > page.limit
    if page.from_end:
        return Page(rows[::-1], page.before is not None, more)
    return Page(rows, more, page.after is not None)

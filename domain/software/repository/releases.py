"""Statements on applications, releases and the ways between versions."""

from collections.abc import Sequence
from typing import Any, cast

from sqlalchemy import CursorResult, Select, and_, delete, func, or_, select, update
from sqlalchemy.dialects import postgresql, sqlite

from domain.kernel.columns import table_of
from domain.kernel.database import ReadSession, WriteSession
from domain.kernel.paging import Page, PageRequest, fetch_page
from domain.software.commands import ReleaseFilter
from domain.software.models import (
    IN_FLIGHT,
    Application,
    Release,
    ReleaseState,
    Rollout,
    RolloutTarget,
    UpgradeEdge,
)
from domain.software.rows import ApplicationRow, EdgeRow, ReleaseRow, SoftwareName
from domain.software.rules.states import ENDED

APPLICATION = table_of(Application)
RELEASE = table_of(Release)
EDGE = table_of(UpgradeEdge)
_ROLLOUT = table_of(Rollout)
_TARGET = table_of(RolloutTarget)
APPLICATION_COLUMNS = tuple(APPLICATION.c[name] for name in ApplicationRow._fields)
_RELEASE_COLUMNS = tuple(
    APPLICATION.c.name if name == "application" else RELEASE.c[name] for name in ReleaseRow._fields
)


def _releases(customer_id: int) -> Select[Any]:
    return (
        select(*_RELEASE_COLUMNS)
        .join_from(RELEASE, APPLICATION, RELEASE.c.application_id == APPLICATION.c.id)
        .where(RELEASE.c.customer_id == customer_id)
    )


async def application_by_name(
    session: ReadSession, customer_id: int, name: str
) -> ApplicationRow | None:
    query = select(*APPLICATION_COLUMNS).where(
        APPLICATION.c.customer_id == customer_id, APPLICATION.c.name == name
    )
    found = (await session.execute(query)).one_or_none()
    return None if found is None else ApplicationRow(*found)


async def applications_page(
    session: ReadSession, customer_id: int, window: PageRequest
) -> Page[ApplicationRow]:
    query = select(*APPLICATION_COLUMNS).where(APPLICATION.c.customer_id == customer_id)
    return await fetch_page(session, query, APPLICATION.c.id, window, ApplicationRow)


async def count_applications(session: ReadSession, customer_id: int) -> int:
    query = (
        select(func.count())
        .select_from(APPLICATION)
        .where(APPLICATION.c.customer_id == customer_id)
    )
    return await session.scalar(query) or 0


async def applications_by_ids(
    session: ReadSession, customer_id: int, ids: Sequence[str]
) -> dict[str, ApplicationRow]:
    query = select(*APPLICATION_COLUMNS).where(
        APPLICATION.c.customer_id == customer_id, APPLICATION.c.id.in_(ids)
    )
    return {row[0]: ApplicationRow(*row) for row in await session.execute(query)}


async def insert_application(session: WriteSession, customer_id: int, row: ApplicationRow) -> bool:
    """False where the name is taken."""
    dialect = sqlite if session.get_bind().dialect.name == "sqlite" else postgresql
    made = await session.execute(
        dialect.insert(APPLICATION)
        .values(customer_id=customer_id, **row._asdict())
        .on_conflict_do_nothing(index_elements=["customer_id", "name"])
    )
    return cast(CursorResult[Any], made).rowcount == 1


async def release_page(
    session: ReadSession, customer_id: int, wanted: ReleaseFilter, window: PageRequest
) -> Page[ReleaseRow]:
    query = _matching(_releases(customer_id), wanted)
    return await fetch_page(session, query, RELEASE.c.id, window, ReleaseRow)


async def count_releases(session: ReadSession, customer_id: int, wanted: ReleaseFilter) -> int:
    found = _matching(_releases(customer_id), wanted).with_only_columns(func.count())
    return await session.scalar(found) or 0


def _matching(query: Select[Any], wanted: ReleaseFilter) -> Select[Any]:
    if wanted.application is not None:
        query = query.where(APPLICATION.c.name == wanted.application)
    if wanted.state is not None:
        query = query.where(RELEASE.c.state == wanted.state)
    if wanted.version is not None:
        query = query.where(RELEASE.c.version == wanted.version)
    return query


async def releases_by_ids(
    session: ReadSession, customer_id: int, ids: Sequence[str]
) -> dict[str, ReleaseRow]:
    query = _releases(customer_id).where(RELEASE.c.id.in_(ids))
    return {row[0]: ReleaseRow(*row) for row in await session.execute(query)}


async def release_by_version(
    session: ReadSession, customer_id: int, application: str, version: str
) -> ReleaseRow | None:
    query = _releases(customer_id).where(
        APPLICATION.c.name == application, RELEASE.c.version == version
    )
    found = (await session.execute(query)).one_or_none()
    return None if found is None else ReleaseRow(*found)


async def releases_by_names(
    session: ReadSession, customer_id: int, names: Sequence[SoftwareName]
) -> dict[SoftwareName, ReleaseRow]:
    pairs = [
        and_(APPLICATION.c.name == one.application, RELEASE.c.version == one.version)
        for one in names
    ]
    rows = [
        ReleaseRow(*row) for row in await session.execute(_releases(customer_id).where(or_(*pairs)))
    ]
    return {SoftwareName(row.application, row.version): row for row in rows}


async def releases_of(
    session: ReadSession, customer_id: int, application_id: str
) -> dict[str, ReleaseRow]:
    """By version."""
    query = _releases(customer_id).where(RELEASE.c.application_id == application_id)
    rows = [ReleaseRow(*row) for row in await session.execute(query)]
    return {row.version: row for row in rows}


async def releases_over(
    session: ReadSession, customer_id: int, application: str, from_version: str
) -> list[ReleaseRow]:
    """Published ones that a way leads to from this version."""
    query = (
        _releases(customer_id)
        .join(EDGE, EDGE.c.release_id == RELEASE.c.id)
        .where(
            APPLICATION.c.name == application,
            RELEASE.c.state == ReleaseState.PUBLISHED,
            EDGE.c.from_version == from_version,
        )
    )
    return [ReleaseRow(*row) for row in await session.execute(query)]


async def lock_release(session: WriteSession, customer_id: int, release_id: str) -> bool:
    """Held to the end of the transaction: what uses a release and what deletes it come one
    after the other. False where there is none."""
    query = select(RELEASE.c.id).where(
        RELEASE.c.customer_id == customer_id, RELEASE.c.id == release_id
    )
    return await session.scalar(query.with_for_update()) is not None


async def insert_release(session: WriteSession, customer_id: int, row: ReleaseRow) -> bool:
    """False where the application has this version already."""
    dialect = sqlite if session.get_bind().dialect.name == "sqlite" else postgresql
    values = row._asdict()
    del values["application"]
    made = await session.execute(
        dialect.insert(RELEASE)
        .values(customer_id=customer_id, **values)
        .on_conflict_do_nothing(index_elements=["customer_id", "application_id", "version"])
    )
    return cast(CursorResult[Any], made).rowcount == 1


async def set_state(
    session: WriteSession,
    customer_id: int,
    release_id: str,
    expected: ReleaseState,
    **values: Any,
) -> bool:
    """False when the release is no longer `expected`."""
    changed = await session.execute(
        update(RELEASE)
        .where(
            RELEASE.c.customer_id == customer_id,
            RELEASE.c.id == release_id,
            RELEASE.c.state == expected,
        )
        .values(**values)
    )
    return cast(CursorResult[Any], changed).rowcount == 1


async def attach_artifact(
    session: WriteSession, customer_id: int, release_id: str, **values: Any
) -> bool:
    """False where another upload was first, or the release is gone."""
    changed = await session.execute(
        update(RELEASE)
        .where(
            RELEASE.c.customer_id == customer_id,
            RELEASE.c.id == release_id,
            RELEASE.c.object_key.is_(None),
        )
        .values(**values)
    )
    return cast(CursorResult[Any], changed).rowcount == 1


async def change_release(
    session: WriteSession, customer_id: int, release_id: str, **values: Any
) -> None:
    """Of one that is locked."""
    ours = (RELEASE.c.customer_id == customer_id, RELEASE.c.id == release_id)
    await session.execute(update(RELEASE).where(*ours).values(**values))


async def delete_release(session: WriteSession, customer_id: int, release_id: str) -> None:
    """Locked, and without filters by now."""
    ours = [EDGE.c.customer_id == customer_id, EDGE.c.release_id == release_id]
    await session.execute(delete(EDGE).where(*ours))
    await session.execute(
        delete(RELEASE).where(RELEASE.c.customer_id == customer_id, RELEASE.c.id == release_id)
    )


async def is_rolled_out(session: ReadSession, customer_id: int, release_id: str) -> bool:
    """Whether a rollout that has not ended wants it, or a device is on its way over it."""
    wanted = select(_ROLLOUT.c.id).where(
        _ROLLOUT.c.customer_id == customer_id,
        _ROLLOUT.c.release_id == release_id,
        _ROLLOUT.c.state.not_in(ENDED),
    )
    under_way = select(_TARGET.c.id).where(
        _TARGET.c.customer_id == customer_id,
        _TARGET.c.release_id == release_id,
        _TARGET.c.state.in_(IN_FLIGHT),
    )
    return bool(await session.scalar(select(or_(wanted.exists(), under_way.exists()))))


async def objects(session: ReadSession) -> set[str]:
    """The keys of all artifacts, of every customer."""
    found = await session.scalars(
        select(RELEASE.c.object_key).where(RELEASE.c.object_key.is_not(None))
    )
    return set(found)


def _edges(customer_id: int) -> Select[Any]:
    columns = (EDGE.c.release_id, EDGE.c.from_version, RELEASE.c.version, EDGE.c.is_downgrade)
    return (
        select(*columns)
        .join_from(EDGE, RELEASE, EDGE.c.release_id == RELEASE.c.id)
        .where(EDGE.c.customer_id == customer_id)
        .order_by(RELEASE.c.version, EDGE.c.from_version)
    )


async def edges_of(session: ReadSession, customer_id: int, application_id: str) -> list[EdgeRow]:
    query = _edges(customer_id).where(RELEASE.c.application_id == application_id)
    return [EdgeRow(*row) for row in await session.execute(query)]


async def edges_into(
    session: ReadSession, customer_id: int, release_ids: Sequence[str]
) -> dict[str, list[EdgeRow]]:
    query = _edges(customer_id).where(EDGE.c.release_id.in_(release_ids))
    found: dict[str, list[EdgeRow]] = {release_id: [] for release_id in release_ids}
    for row in await session.execute(query):
        edge = EdgeRow(*row)
        found[edge.release_id].append(edge)
    return found


async def insert_edge(session: WriteSession, customer_id: int, row: EdgeRow) -> bool:
    """False where it is there already."""
    dialect = sqlite if session.get_bind().dialect.name == "sqlite" else postgresql
    made = await session.execute(
        dialect.insert(EDGE)
        .values(
            customer_id=customer_id,
            release_id=row.release_id,
            from_version=row.from_version,
            is_downgrade=row.is_downgrade,
        )
        .on_conflict_do_nothing(index_elements=["release_id", "from_version"])
    )
    return cast(CursorResult[Any], made).rowcount == 1


async def delete_edge(
    session: WriteSession, customer_id: int, release_id: str, from_version: str
) -> bool:
    gone = await session.execute(
        delete(EDGE).where(
            EDGE.c.customer_id == customer_id,
            EDGE.c.release_id == release_id,
            EDGE.c.from_version == from_version,
        )
    )
    return cast(CursorResult[Any], gone).rowcount == 1

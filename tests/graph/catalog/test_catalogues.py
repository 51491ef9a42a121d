"""Catalogues: read by anybody, written by managers, one of each code, on record."""

from typing import Any

import pytest
from sqlalchemy import select

from domain.catalog.commands import AddCloudEndpoint, AddSite, AddVariant
from domain.journal import audit
from domain.journal.audit import AUDIT
from domain.kernel.actor import ANONYMOUS
from domain.kernel.database import Database
from domain.kernel.errors import (
    Conflict,
    DomainError,
    Forbidden,
    NotFound,
    Unauthorized,
    ValidationFailed,
)
from domain.kernel.permissions import Role
from domain.kernel.tail import LogTail
from domain.kernel.uow import Transactions
from graph.catalog import resolvers
from graph.context import Context
from tests.support.clocks import ManualClock
from tests.support.contents import contents
from tests.support.contexts import services_of
from tests.support.databases import TailWakeUps, new_customer
from tests.support.edges import user

SITE = AddSite.of(code="MSK-1", name="Moscow", time_zone="Europe/Moscow")


class Office:
    """People of one customer before the catalogues."""

    def __init__(self, services: Any, customer_id: int) -> None:
        self.services = services
        self.customer_id = customer_id

    def __call__(self, role: Role | None = Role.MANAGER) -> Context:
        actor = ANONYMOUS if role is None else user(self.customer_id, role)
        return Context(actor, self.services)


@pytest.fixture
def office(database: Database, clock: ManualClock, tail: LogTail, customer_id: int) -> Office:
    transactions = Transactions(database, clock, TailWakeUps(tail), [audit.witness])
    return Office(services_of(database, transactions, tail, None), customer_id)  # type: ignore[arg-type]


async def test_what_is_added_is_read_by_anybody(office: Office) -> None:
    site = await resolvers.add_site(office(), SITE)
    endpoint = AddCloudEndpoint.of(name="Main", url="https://cloud.example/api")
    added = await resolvers.add_cloud_endpoint(office(Role.ADMIN), endpoint)
    await resolvers.add_variant(office(), AddVariant.of(code="WET", name="Wet cabinet"))
    for role in (None, Role.OPERATOR, Role.AUDITOR):
        assert await resolvers.sites(office(role)) == [site]
        assert await resolvers.cloud_endpoints(office(role)) == [added]
        assert [row.code for row in await resolvers.variants(office(role))] == ["WET"]
        assert await resolvers.site(office(role), site.id) == site


async def test_a_code_is_taken_once(office: Office, database: Database) -> None:
    await resolvers.add_site(office(), SITE)
    before = await contents(database)
    with pytest.raises(Conflict):
        await resolvers.add_site(office(), AddSite.of(code="MSK-1", name="Another"))
    assert await contents(database) == before


async def test_another_customers_codes_are_its_own(office: Office, database: Database) -> None:
    await resolvers.add_site(office(), SITE)
    other = Office(office.services, await new_customer(database, "Dairy Two"))
    assert await resolvers.sites(other()) == []
    with pytest.raises(NotFound):
        await resolvers.remove_site(other(), "MSK-1")
    await resolvers.add_site(other(), SITE)
    assert len(await resolvers.sites(office(None))) == 1


async def test_it_is_removed_by_code_or_id(office: Office) -> None:
    await resolvers.add_site(office(), SITE)
    added = await resolvers.add_cloud_endpoint(
        office(), AddCloudEndpoint.of(name="Main", url="http://cloud:8090")
    )
    assert (await resolvers.remove_site(office(), "MSK-1")).name == "Moscow"
    assert await resolvers.remove_cloud_endpoint(office(), added.id) == added
    assert await resolvers.sites(office()) == []
    assert await resolvers.cloud_endpoints(office()) == []
    for gone in ("MSK-1", "", "a\0b"):
        with pytest.raises(NotFound):
            await resolvers.remove_site(office(), gone)
    for gone in (added.id, "main", "0"):
        with pytest.raises(NotFound):
            await resolvers.remove_cloud_endpoint(office(), gone)


@pytest.mark.parametrize(
    ("role", "refusal"),
    [(None, Unauthorized), (Role.OPERATOR, Forbidden), (Role.AUDITOR, Forbidden)],
)
async def test_others_do_not_write(
    office: Office, database: Database, role: Role | None, refusal: type[DomainError]
) -> None:
    await resolvers.add_site(office(), SITE)
    before = await contents(database)
    with pytest.raises(refusal):
        await resolvers.add_variant(office(role), AddVariant.of(code="DRY", name="Dry"))
    with pytest.raises(refusal):
        await resolvers.remove_site(office(role), "MSK-1")
    assert await contents(database) == before


async def test_every_write_is_on_record(office: Office, database: Database) -> None:
    await resolvers.add_site(office(), SITE)
    await resolvers.remove_site(office(), "MSK-1")
    async with database.read() as session:
        rows = (await session.execute(select(AUDIT.c.action, AUDIT.c.before))).all()
    assert [row[0] for row in rows] == ["site.added", "site.removed"]
    assert "MSK-1" in rows[1][1]


@pytest.mark.parametrize(
    "wrong",
    [
        lambda: AddSite.of(code="", name="x"),
        lambda: AddSite.of(code="a b", name="x"),
        lambda: AddSite.of(code="a", name=""),
        lambda: AddSite.of(code="a", name="x", time_zone="Mars/Olympus"),
        lambda: AddSite.of(code="a", name="x", time_zone="../../etc/passwd"),
        lambda: AddVariant.of(code="a" * 65, name="x"),
        lambda: AddCloudEndpoint.of(name="x", url="ftp://cloud"),
        lambda: AddCloudEndpoint.of(name="x", url="https://user:pass@cloud"),
        lambda: AddCloudEndpoint.of(name="x", url="https://"),
    ],
)
def test_what_is_no_entry_is_refused(wrong: Any) -> None:
    with pytest.raises(ValidationFailed):
        wrong()

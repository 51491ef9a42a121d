"""One table, every dialect: for each documented route, who may and who may not.

Users of every role, keys of every role, programs with exactly what a route needs and with all but
that, devices, whoever shows nothing or a forgery. A new dialect comes in by data alone: its rows in
tests/contracts/routes.csv and oktograph/contracts/access.csv, what to say to it in requests.toml.
"""

import asyncio
import csv
from pathlib import Path
from typing import Any, Final

import pytest
from websockets.asyncio.client import connect
from websockets.exceptions import ConnectionClosed

from domain.identity.mappings import SCOPES
from domain.kernel.permissions import ROLE_PERMISSIONS, Permission, Role
from oktograph.contracts import access
from oktograph.contracts.access import Route, routes
from tests.support.access import (
    DIALECTS,
    NOBODY,
    REQUESTS,
    THERE,
    Place,
    Stage,
    in_order,
    is_public,
    of_service,
    say,
)
from tests.support.clients import DEADLINE_S, Json
from tests.support.factory import FactoryServer
from tests.support.tokens import forged, program
from tests.support.waiting import eventually

DOCUMENTED: Final = Path(__file__).parents[1] / "contracts" / "routes.csv"
PLACES: Final = {"edge": "edge", "factory": "sqlite_factory"}
"""The fixtures, by service."""
ROLES: Final = {role.name.lower(): role for role in Role}
WITHHELD: Final = frozenset(one for one in Permission if str(one) not in SCOPES)


@pytest.fixture
def edge_settings() -> Json:
    return {"rate_limits": False, "supervised": True}


@pytest.fixture
def factory_settings() -> Json:
    return {"rate_limits": False, "supervised": True}


def documented() -> list[dict[str, str]]:
    with DOCUMENTED.open(newline="") as file:
        return list(csv.DictReader(file))


def test_the_table_has_every_documented_route_and_no_other() -> None:
    wanted = [(row["dialect"], row["method"], row["path"]) for row in documented()]
    found = [(one.dialect, one.method, one.path) for one in routes() if one.dialect in THERE]
    assert sorted(found) == sorted(wanted)
    assert {dialect for dialect, *_ in found} == THERE <= DIALECTS.keys()
    public = {(row["dialect"], row["path"]) for row in documented() if row["access"] == "public"}
    assert {(one.dialect, one.path) for one in routes() if is_public(one)} >= public


def test_requests_are_of_routes_that_there_are() -> None:
    names = {one.name for one in routes()}
    told = [*REQUESTS["requests"], *(step["route"] for step in REQUESTS["arrange"])]
    assert set(told) <= names


def test_a_word_that_is_no_permission_is_noticed() -> None:
    with pytest.raises(ValueError, match="device:peep"):
        access._route({"dialect": "x", "method": "GET", "path": "/", "needs": "device:peep"})


@pytest.fixture(params=sorted(PLACES))
def place(request: pytest.FixtureRequest) -> tuple[str, Place]:
    return request.param, request.getfixturevalue(PLACES[request.param])


@pytest.fixture
async def stage(place: tuple[str, Place]) -> Stage:
    service, running = place
    return await Stage.of(running, service)


@pytest.fixture
async def factory_stage(sqlite_factory: FactoryServer) -> Stage:
    return await Stage.of(sqlite_factory, "factory")


async def test_nobody_may_what_is_public_and_nothing_else(stage: Stage) -> None:
    some = of_service(stage.service)
    good = (await stage.place.logged_in("admin")).token or ""
    closed = [one for one in some if not is_public(one)]
    await stage.refuses(closed, None, NOBODY)
    bad = forged(good)  # each route meets one of them, and each dialect's own tests all of them
    for place, token in enumerate(bad):
        await stage.refuses(closed[place :: len(bad)], token, NOBODY)
    for route in some:
        if is_public(route):
            # A login is refused for what it says, not for who says it.
            answer = await stage.send(route, None)
            assert answer.status_code != NOBODY or "login" in route.path, say(route, answer)


@pytest.mark.parametrize("role", sorted(ROLES))
async def test_a_user_may_what_the_role_may(stage: Stage, role: str) -> None:
    await may_what_it_may(stage, (await stage.place.logged_in(role)).token, ROLES[role])


@pytest.mark.parametrize("role", sorted(ROLES))
async def test_a_key_opens_what_its_role_may(stage: Stage, role: str) -> None:
    admin = await stage.place.logged_in("admin")
    create = 'mutation ($r: Role!) { createApiKey(input: {name: "k", role: $r}) { key } }'
    key = (await admin.ask(create, r=ROLES[role].name))["createApiKey"]["key"]
    # Its first use is written down, and then none for a minute.
    await stage.place.client(key).ask("{ __typename }")
    await may_what_it_may(stage, key, ROLES[role])


async def may_what_it_may(stage: Stage, token: str | None, role: Role) -> None:
    held = ROLE_PERMISSIONS[role]
    some = [one for one in of_service(stage.service) if not is_public(one)]
    await stage.refuses([one for one in some if not one.may(held)], token, None)
    await stage.lets([one for one in some if one.may(held)], token)


async def test_a_device_may_what_is_its_own(factory_stage: Stage) -> None:
    stage = factory_stage
    manager = await stage.place.logged_in("manager")
    issued = (await manager.http.post("/api/v1/devices/edge-001/token")).json()["data"]["token"]
    some = [one for one in of_service("factory") if not is_public(one)]
    await stage.refuses([one for one in some if not one.own], issued, None)
    own = [one for one in some if one.own]
    assert own
    for route in own:
        answer = await stage.send(route, issued)
        assert answer.is_success, say(route, answer)


async def test_a_program_may_with_exactly_what_a_route_needs(factory_stage: Stage) -> None:
    """And with every scope there is but one of those it may not, nor does anything change then:
    whoever is not shown what they would have changed has not changed it."""
    stage, tokens = factory_stage, Tokens(factory_stage.place)
    some = [one for one in of_service("factory") if one.needs and not one.needs & WITHHELD]
    everything = frozenset(Permission) - WITHHELD
    for route in some:
        needs = route.needs or frozenset()
        for one in needs:
            await tokens.of(everything - {one})
        await tokens.of(needs)
    found: list[str] = []
    before = await stage.place.contents()
    for route in some:
        for one in sorted(route.needs or ()):
            found += await stage.lets_in(route, await tokens.of(everything - {one}))
    assert not found, "\n".join(found)
    assert await stage.place.contents() == before
    for route in in_order(some):
        found += await stage.keeps_out(route, await tokens.of(route.needs or frozenset()))
    assert not found, "\n".join(found)


class Tokens:
    """Of programs, by what they may."""

    def __init__(self, place: Any) -> None:
        self._place = place
        self._known: dict[frozenset[Permission], str] = {}

    async def of(self, held: frozenset[Permission]) -> str:
        if held not in self._known:
            made = await program(self._place, *sorted(map(str, held)))
            self._known[held] = made.token or ""
        return self._known[held]


SOCKETS: Final = [one for one in routes() if one.method == access.SOCKET and one.dialect in THERE]


@pytest.fixture(params=SOCKETS, ids=lambda route: route.name)
def socket(request: pytest.FixtureRequest) -> tuple[Route, Place]:
    service = DIALECTS[request.param.dialect]["service"]
    return request.param, request.getfixturevalue(PLACES[service])


async def test_sockets(socket: tuple[Route, Place]) -> None:
    """Closed with 4401 for nobody and 4403 for who may not; else it stays open."""
    route, place = socket
    before = await place.contents()
    for token in ("", "nonsense"):
        assert await ended(place, route, token) == 4401
    for role, own in ROLES.items():
        token = (await place.logged_in(role)).token or ""
        if not route.may(ROLE_PERMISSIONS[own]):
            assert await ended(place, route, token) == 4403
    assert await place.contents() == before
    for role, own in ROLES.items():
        if route.may(ROLE_PERMISSIONS[own]):
            await stays_open(place, route, (await place.logged_in(role)).token or "")


def address(place: Place, route: Route, token: str) -> str:
    return f"ws://{place.address}{DIALECTS[route.dialect]['prefix']}{route.path}?token={token}"


async def ended(place: Place, route: Route, token: str) -> int | None:
    async with connect(address(place, route, token)) as socket:
        with pytest.raises(ConnectionClosed) as closed:
            await asyncio.wait_for(socket.recv(), DEADLINE_S)
    return closed.value.rcvd.code if closed.value.rcvd else None


async def stays_open(place: Place, route: Route, token: str) -> None:
    await place.subscribers(0)
    async with connect(address(place, route, token)):
        await eventually(lambda: place.live() > 0)
    await place.subscribers(0)

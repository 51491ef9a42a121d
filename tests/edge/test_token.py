"""An edge's token: where it comes from, how it is kept, and renewed before it ends."""

from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from domain.fleet.operations.devices import token_subject
from domain.kernel.clock import SystemClock
from domain.kernel.errors import Forbidden, NotFound, Unavailable, UpstreamFailed, ValidationFailed
from domain.kernel.ids import new_id
from domain.software.models import TargetState
from drivers.factory.graph import FactoryGraph
from drivers.factory.token import FILE, DeviceToken, lifetime_of
from drivers.identity.actors import Tokens
from drivers.identity.keys import KeyRing
from drivers.identity.tokens import TokenSettings
from drivers.secrets.fernet import FernetBox
from drivers.updater.order import Report
from graph.fleet import resolvers as fleet
from tests.edge.conftest import Site, connected, side
from tests.support.clocks import ManualClock
from tests.support.downloads import artifact_server
from tests.support.processes import free_port

DAY_S = 86_400


def token(folder: Path, given: str | None, clock: ManualClock | None = None) -> DeviceToken:
    folder.mkdir(exist_ok=True)
    return DeviceToken(folder, FernetBox.in_folder(folder), lambda: given, clock or ManualClock())


def graph_of(url: str, given: str = "nobody's") -> FactoryGraph:
    async def own() -> str:
        return given

    return FactoryGraph(url, own, timeout_s=2.0)


@pytest.fixture
async def graph(site: Site) -> AsyncIterator[FactoryGraph]:
    found = graph_of(site.found.url, site.token)
    yield found
    await found.aclose()


async def test_what_was_renewed_replaces_what_was_given(tmp_path: Path) -> None:
    first = token(tmp_path / "keys", "given")
    assert await first() == "given"
    await first.renewed("fresh")
    assert await first() == "fresh"
    assert await token(tmp_path / "keys", "given")() == "fresh", "over a restart too"
    assert await token(tmp_path / "keys", None)() == "fresh"
    assert await token(tmp_path / "keys", "given anew")() == "given anew"
    assert await first.headers() == {"Authorization": "Bearer fresh"}


async def test_it_is_sealed_at_rest_and_nobody_else_s(tmp_path: Path) -> None:
    own = token(tmp_path / "keys", "given")
    await own.renewed("very-secret")
    kept = tmp_path / "keys" / FILE
    assert b"very-secret" not in kept.read_bytes()
    assert kept.stat().st_mode & 0o077 == 0
    (tmp_path / "keys" / "secrets.key").unlink()
    assert await token(tmp_path / "keys", "given")() == "given"
    kept.write_text("not sealed at all")
    assert await token(tmp_path / "keys", "given")() == "given"


async def test_without_one_it_says_how_to_give_one(tmp_path: Path) -> None:
    with pytest.raises(Unavailable, match="OKTOGRAPH_EDGE_TOKEN"):
        await token(tmp_path / "keys", None)()


async def test_from_half_of_its_life_on_it_is_renewed(
    site: Site, graph: FactoryGraph, tmp_path: Path
) -> None:
    lifetime = lifetime_of(site.token)
    assert lifetime is not None
    clock = ManualClock(lifetime.issued_at_us)
    own = token(tmp_path / "keys", site.token, clock)
    assert not await own.is_due()
    clock.advance(16 * DAY_S)
    assert await own.is_due()
    await own.renewed(await graph.renewed_token("edge-001"))
    assert await own() != site.token
    known = await site.found.factory.tokens.actor(await own())
    assert known.actor.id == site.device.id
    later = lifetime_of(await own())
    assert later is not None
    assert abs(later.issued_at_us - SystemClock().now_us()) < 60_000_000
    assert not await token(tmp_path / "others", "no jwt at all").is_due()


async def test_an_edge_that_was_off_for_long_renews_its_token_when_it_connects(
    site: Site, tmp_path: Path
) -> None:
    clock = ManualClock(SystemClock().now_us())
    clock.advance(-29 * DAY_S)
    factory = site.found.factory
    old = Tokens(KeyRing(tmp_path / "factory" / "keys"), TokenSettings(), clock, {})
    async with factory.context().transaction() as work:
        subject = await token_subject(work, "edge-001")
    issued = old.issue_device(subject.id, subject.identifier, subject.customer_public_id)
    async with site.edge(edge_token=issued.token) as edge:
        own = side(edge).token
        await site.becomes(own, lambda found: found != issued.token)
        assert not await own.is_due()
    async with site.edge(edge_token=issued.token) as edge:
        await connected(edge)
        assert await side(edge).token() != issued.token, "over a restart"


async def test_a_device_renews_its_own_only(site: Site, graph: FactoryGraph) -> None:
    await site.found.factory.register("edge-002")
    with pytest.raises(Forbidden):
        await graph.renewed_token("edge-002")


@pytest.mark.parametrize("text", ["", "a.b", "a.b.c", "a.e30.c", "....", "a.eyJpYXQiOiJ4In0.c"])
def test_what_is_no_jwt_has_no_lifetime(text: str) -> None:
    assert lifetime_of(text) is None


def report(target_id: str) -> Report:
    return Report(target_id, 1, 0, TargetState.DOWNLOADING, None, "1.0.1")


async def test_a_report_is_refused_for_good_or_tried_again(site: Site, graph: FactoryGraph) -> None:
    with pytest.raises(NotFound):
        await graph.report(report(new_id()))
    with pytest.raises(ValidationFailed):
        await graph.report(Report(new_id(), 0, 0, TargetState.FAILED, None, "1"))
    stranger = graph_of(site.found.url)
    with pytest.raises(Unavailable, match="token"):
        await stranger.report(report(new_id()))
    await stranger.aclose()
    await fleet.remove_device(site.found.factory.context(), site.device.id)
    with pytest.raises(Unavailable):
        await graph.report(report(new_id()))


async def test_a_factory_that_is_away_or_none(tmp_path: Path) -> None:
    away = graph_of(f"http://127.0.0.1:{free_port()}")
    with pytest.raises(Unavailable):
        await away.report(report(new_id()))
    await away.aclose()
    for body in (b"<html>", b"[]", b"{}", b'{"errors": [{"message": "x"}]}', b'{"errors": 3}'):
        async with artifact_server(body) as server:
            other = graph_of(f"http://127.0.0.1:{server.port}")
            with pytest.raises(UpstreamFailed):
                await other.report(report(new_id()))
            await other.aclose()

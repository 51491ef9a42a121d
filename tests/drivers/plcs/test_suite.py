"""The behaviour of the PLC port, at every protocol's peer. A protocol joins with one row."""

import asyncio
from collections.abc import AsyncIterator, Callable
from typing import Any

import pytest
from structlog.testing import capture_logs

from domain.kernel.errors import (
    DomainError,
    NotFound,
    TimedOut,
    Unavailable,
    UpstreamFailed,
    ValidationFailed,
)
from drivers.link import LinkState, StateChange
from drivers.plcs.tags import Quality, TagValue
from drivers.supervised import SupervisedTask
from tests.support.ethernet_ip import ethernet_ip, ethernet_ip_micro800, ethernet_ip_small
from tests.support.modbus import modbus_rtu, modbus_rtu_over_tcp, modbus_tcp, profinet
from tests.support.opc_ua import opc_ua
from tests.support.plcs import FIRST, HASTE_S, HASTY, QUICK, WELL, PlcPeer, plc_rig, running
from tests.support.tcp_socket import tcp_socket
from tests.support.waiting import DEADLINE_S, eventually, unchanging

PEERS: tuple[Callable[[], PlcPeer], ...] = (
    modbus_tcp,
    modbus_rtu,
    modbus_rtu_over_tcp,
    profinet,
    opc_ua,
    tcp_socket,
    ethernet_ip,
    ethernet_ip_small,
    ethernet_ip_micro800,
)
GOOD, BAD = Quality.GOOD, Quality.BAD


@pytest.fixture(params=PEERS, ids=lambda make: make.__name__)
async def peer(request: Any) -> AsyncIterator[PlcPeer]:
    async with running(request.param()) as started:
        yield started


def link_events(logs: list[Any]) -> list[str]:
    return [entry["event"] for entry in logs if entry["event"].startswith(("device_", "tag_"))]


async def test_first_values_and_changes_are_told(peer: PlcPeer) -> None:
    async with plc_rig(peer) as rig:
        assert {name: rig.told.of(name) for name in FIRST} == {
            name: [(value, GOOD)] for name, value in FIRST.items()
        }
        await peer.put("run", True)
        await peer.put("count", -100_000)
        await rig.told.has("run", True)
        await rig.told.has("count", -100_000)
        assert rig.told.of("speed") == [(1.5, GOOD)]
        assert {n: v.value for n, v in rig.plc.values().items()} == {
            **FIRST,
            "run": True,
            "count": -100_000,
        }
        snapshot = rig.task.snapshot()
        assert snapshot.readings > 0
        assert snapshot.peer


async def test_a_write_is_confirmed_and_shown(peer: PlcPeer) -> None:
    async with plc_rig(peer) as rig:
        written = await rig.plc.write("speed", 12.25)
        assert (written.name, written.value, written.quality) == ("speed", 12.25, GOOD)
        assert await peer.get("speed") == 12.25
        await rig.told.has("speed", 12.25)
        assert (await rig.plc.write("reject", True)).value is True
        assert await peer.get("reject") is True
        assert (await rig.plc.write("setpoint", -3.5)).value == -3.5
        assert await peer.get("setpoint") == -7
        assert (await rig.plc.write("stop", True)).value is True
        assert await peer.get("stop") is True
        assert "stop" not in rig.plc.values()
        assert await peer.get("run") is False


async def test_outputs_do_not_disturb_each_other(peer: PlcPeer) -> None:
    """Also where several share a word of the controller."""
    async with plc_rig(peer) as rig:
        for reject, stop in ((True, False), (True, True), (False, True), (False, False)):
            await rig.plc.write("reject", reject)
            await rig.plc.write("stop", stop)
            assert (await peer.get("reject"), await peer.get("stop")) == (reject, stop)
        assert await peer.get("speed") == 1.5


async def test_what_the_tag_cannot_hold_is_not_sent(peer: PlcPeer) -> None:
    async with plc_rig(peer) as rig:
        for name, value in (("setpoint", 20_000), ("setpoint", "x"), ("reject", 7)):
            with pytest.raises(ValidationFailed) as refused:
                await rig.plc.write(name, value)
            assert refused.value.details["field"] == name
        with pytest.raises(ValidationFailed, match="run: is only read"):
            await rig.plc.write("run", True)
        with pytest.raises(ValidationFailed, match="stop: is only written"):
            await rig.plc.read(["stop"])
        for unknown in (rig.plc.write("nothing", 1), rig.plc.read(["run", "nothing"])):
            with pytest.raises(NotFound):
                await unknown
        assert await peer.get("setpoint") == 0
        assert await peer.get("reject") is False
        assert LinkState.LOST not in rig.states()


async def test_reading_asks_anew_in_the_order_asked(peer: PlcPeer) -> None:
    async with plc_rig(peer, poll_interval_s=3600) as rig:
        await peer.put("count", 99)
        await peer.put("run", True)
        seen = await rig.plc.read(["speed", "count", "run", "count"])
        expected = [("speed", 1.5), ("count", 99), ("run", True), ("count", 99)]
        assert [(each.name, each.value) for each in seen] == expected
        await rig.told.has("count", 99)


async def test_a_tag_that_is_refused_spoils_no_other(peer: PlcPeer) -> None:
    with capture_logs() as logs:
        async with plc_rig(peer, (*WELL, "missing")) as rig:
            assert rig.told.of("missing") == [(None, BAD)]
            await peer.put("count", 5)
            await rig.told.has("count", 5)
            for refused in (rig.plc.read(["run", "missing"]), rig.plc.write("missing", 1)):
                with pytest.raises(UpstreamFailed, match="missing"):
                    await refused
            assert [v.value for v in await rig.plc.read(["count", "speed"])] == [5, 1.5]
            assert rig.states() == [LinkState.CONNECTING, LinkState.CONNECTED]
    assert link_events(logs).count("tag_refused") == 1


async def test_connected_only_when_it_answers(peer: PlcPeer) -> None:
    peer.stall()
    async with plc_rig(peer, connect=False, settings=HASTY) as rig:
        await rig.state(LinkState.LOST)
        assert LinkState.CONNECTED not in rig.states()
        assert rig.told.values == []
        with pytest.raises(Unavailable, match="not connected"):
            await rig.plc.write("reject", True)
        with pytest.raises(Unavailable, match="not connected"):
            await rig.plc.read(["run"])
        peer.resume()
        await rig.state(LinkState.CONNECTED)
        await rig.told.has("count", 7)
        assert await peer.get("reject") is False


async def test_it_can_be_written_as_soon_as_it_is_connected(peer: PlcPeer) -> None:
    """Also while who is told of the connection takes long: a journal on a slow disk."""
    confirmed: list[TagValue] = []

    async def write_at_once(change: StateChange) -> None:
        if change.state is LinkState.CONNECTED:
            confirmed.append(await task.driver.write("speed", 2.5))  # type: ignore[attr-defined]

    async with plc_rig(peer, connect=False) as rig:
        await rig.task.stop()
        task = SupervisedTask("at-once", rig.plc, backoff=QUICK, on_transition=write_at_once)
        task.start()
        try:
            await task.wait_for_state(LinkState.CONNECTED, DEADLINE_S)
            await eventually(lambda: [each.value for each in confirmed] == [2.5])
            await rig.told.has("speed", 2.5)
            # What it held when it was reached is not told over what was written since.
            await unchanging(lambda: rig.told.of("speed"), 0.1)
            assert rig.told.of("speed")[-1] == (2.5, GOOD)
            assert await peer.get("speed") == 2.5
        finally:
            await task.stop()


@pytest.mark.parametrize("how", ["cut", "abandon", "stall", "garble", "flood"])
async def test_a_lost_controller_turns_bad_and_comes_back(peer: PlcPeer, how: str) -> None:
    with capture_logs() as logs:
        async with plc_rig(peer, settings=HASTY) as rig:
            lost = rig.task.expect(LinkState.LOST)
            # Told once more from the start: what it holds is then as good as new.
            back = rig.task.expect(LinkState.CONNECTED)
            await _disturb(peer, how)
            assert (await asyncio.wait_for(lost, DEADLINE_S)).reason
            bad = [(each.name, each.value) for each in rig.told.values if each.quality is BAD]
            assert bad == [(name, FIRST[name]) for name in FIRST]
            await peer.put("count", 8)
            _calm(peer)
            await asyncio.wait_for(back, DEADLINE_S)
            for name, value in {**FIRST, "count": 8}.items():
                await rig.told.has(name, value)
            await rig.plc.write("reject", True)
    expected = ["device_connected", "device_lost", "device_back"]
    assert link_events(logs) == expected
    connected = [LinkState.CONNECTED, LinkState.LOST, LinkState.CONNECTED]
    assert rig.states() == [LinkState.CONNECTING, *connected, LinkState.STOPPED]


async def _disturb(peer: PlcPeer, how: str) -> None:
    if how in ("cut", "abandon"):
        await (peer.cut() if how == "cut" else peer.abandon())
    elif how == "stall":
        peer.stall()
    else:
        peer.garble(True)
        if how == "flood":
            await peer.flood(100_000)


def _calm(peer: PlcPeer) -> None:
    peer.resume()
    peer.garble(False)


async def test_a_write_without_an_answer_is_not_confirmed(peer: PlcPeer) -> None:
    async with plc_rig(peer, settings=HASTY, poll_interval_s=3600) as rig:
        lost = rig.task.expect(LinkState.LOST)
        peer.stall()
        with pytest.raises(TimedOut):
            await rig.plc.write("speed", 3.0)
        await asyncio.wait_for(lost, DEADLINE_S)
        assert rig.told.of("speed")[-1] == (1.5, BAD)
        peer.resume()
        await rig.state(LinkState.CONNECTED)


async def test_a_write_when_the_link_breaks_is_not_confirmed(peer: PlcPeer) -> None:
    async with plc_rig(peer, settings=HASTY, poll_interval_s=3600) as rig:
        peer.stall()
        writing = asyncio.create_task(rig.plc.write("speed", 3.0))
        await asyncio.sleep(0)
        await peer.cut()
        with pytest.raises((Unavailable, TimedOut)):
            await writing
        peer.resume()
        await rig.state(LinkState.CONNECTED)


async def test_a_late_answer_is_nobodys(peer: PlcPeer) -> None:
    """Slow again and again, by more than it may: what is told is what it held, never another
    tag's value nor one of long ago."""
    async with plc_rig(peer, settings=HASTY) as rig:
        for turn in range(1, 4):
            lost = rig.task.expect(LinkState.LOST)
            peer.slow(HASTE_S * 1.3)
            await asyncio.wait_for(lost, DEADLINE_S)
            await peer.put("count", 1000 + turn)
            await peer.put("run", bool(turn & 1))
            peer.slow(0)
            await rig.state(LinkState.CONNECTED)
            await rig.told.has("count", 1000 + turn)
            seen = await rig.plc.read(list(FIRST))
            expected = [bool(turn & 1), 1000 + turn, 1.5, False, 0.0]
            assert [each.value for each in seen] == expected
        counts = [value for value, quality in rig.told.of("count") if quality is GOOD]
        assert counts == [7, 1001, 1002, 1003]


async def test_a_slow_controller_gets_no_backlog_and_no_write_waits_for_it(peer: PlcPeer) -> None:
    """Asked ten times as often as it can answer, a write takes its own answer and the one under
    way. If questions queued, those that are late by now would keep it for six seconds."""
    async with plc_rig(peer, poll_interval_s=0.01) as rig:
        peer.slow(0.1)
        # A protocol that publishes is not asked at all, and has neither count.
        polls = "late_rounds" in rig.plc.counters()
        await eventually(lambda: not polls or rig.counter("late_rounds") > 60)
        now_s = asyncio.get_running_loop().time
        for value in (True, False, True):
            started_s = now_s()
            await rig.plc.write("reject", value)
            assert now_s() - started_s < 2
        peer.slow(0)
        requests = rig.counter("requests") if polls else 0
        await peer.put("count", 8)
        await rig.told.has("count", 8)
        assert not polls or rig.counter("requests") - requests < 100
        assert LinkState.LOST not in rig.states()


async def test_many_writers_at_once(peer: PlcPeer) -> None:
    """The last of a hundred may wait for its turn for longer than one answer takes."""
    async with plc_rig(peer, settings={"timeout_s": 20.0}, poll_interval_s=0.01) as rig:
        written = await asyncio.gather(*(rig.plc.write("speed", float(n)) for n in range(100)))
        assert [each.value for each in written] == [float(n) for n in range(100)]
        await rig.told.has("speed", await peer.get("speed"))
        assert LinkState.LOST not in rig.states()


async def test_a_controller_that_refuses_is_not_hammered(peer: PlcPeer) -> None:
    await peer.refuse()
    async with plc_rig(peer, connect=False) as rig:
        await rig.state(LinkState.LOST)
        attempts = rig.task.snapshot().attempts
        await eventually(lambda: rig.task.snapshot().attempts >= attempts + 5)
        assert rig.states() == [LinkState.CONNECTING, LinkState.LOST]
        await peer.accept()
        await rig.state(LinkState.CONNECTED)


async def test_a_controller_that_hangs_up_is_not_hammered(peer: PlcPeer) -> None:
    """`QUICK` waits 10 ms at least between attempts."""
    async with plc_rig(peer, settings=HASTY) as rig:
        now_s = asyncio.get_running_loop().time
        started_s, calls = now_s(), peer.calls
        for _ in range(5):
            await rig.state(LinkState.CONNECTED)
            lost = rig.task.expect(LinkState.LOST)
            await peer.cut()
            await asyncio.wait_for(lost, DEADLINE_S)
        assert peer.calls - calls <= (now_s() - started_s) / 0.01 + 1


async def test_other_controllers_are_not_affected(peer: PlcPeer, request: Any) -> None:
    make: Callable[[], PlcPeer] = request.node.callspec.params["peer"]
    async with running(make()) as other, plc_rig(other, settings={"id": "other"}) as well:
        async with plc_rig(peer, settings=HASTY) as rig:
            lost = rig.task.expect(LinkState.LOST)
            peer.garble(True)
            await peer.flood(1_000_000)
            await asyncio.wait_for(lost, DEADLINE_S)
            await other.put("count", 70)
            await well.told.has("count", 70)
        assert well.states() == [LinkState.CONNECTING, LinkState.CONNECTED]


async def test_stopping_does_not_wait_for_an_answer(peer: PlcPeer) -> None:
    async with plc_rig(peer, settings={"timeout_s": 30.0}) as rig:
        peer.stall()
        writing = asyncio.create_task(rig.plc.write("speed", 3.0))
        await asyncio.sleep(0)
        async with asyncio.timeout(5):
            await rig.task.stop()
            with pytest.raises(DomainError):
                await writing
        assert rig.told.of("speed")[-1] == (1.5, BAD)
        peer.resume()


async def test_closed_twice_and_started_again(peer: PlcPeer) -> None:
    async with plc_rig(peer, settings=HASTY) as rig:
        await rig.task.stop()
        await rig.plc.aclose()
        await rig.plc.aclose()
        await unchanging(lambda: peer.calls, 0.1)
        rig.task.start()
        await rig.state(LinkState.CONNECTED)
        await rig.told.has("count", 7)
        await rig.plc.write("reject", True)
        assert await peer.get("reject") is True


async def test_what_it_has_can_be_listed(peer: PlcPeer) -> None:
    async with plc_rig(peer) as rig:
        places = {place.name: place for place in await rig.plc.browse() if place.name}
        assert {*WELL} <= {*places}
        assert places["speed"].address == peer.addresses["speed"]

"""Controllers that speak in other words, and what a configuration may say of them."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

import pytest

from domain.kernel.clock import SystemClock
from domain.kernel.errors import TimedOut, Unavailable, UpstreamFailed, ValidationFailed
from drivers.connections import Connections
from drivers.link import LinkState
from drivers.plcs.port import PlcPort, parse_bindings, parse_plcs
from drivers.plcs.tags import Quality, TagType
from drivers.plcs.tcp_socket.driver import build
from drivers.plcs.tcp_socket.pushes import MOST_WAITING
from drivers.plcs.tcp_socket.simulation import SimulatedPoint
from drivers.supervised import SupervisedTask
from tests.support.plcs import FIRST, HASTY, QUICK, Told, plc_config, plc_rig, running, tags
from tests.support.tcp_socket import ADDRESSES, TcpSocketPeer
from tests.support.waiting import DEADLINE_S, eventually

READ = ("run", "count")
OTHER_WORDS: dict[str, Any] = {
    "start": "\\x02",
    "terminator": "\\x03",
    "encoding": "utf-8",
    "greeting": "Welcome",
    "read_command": "?{tag}",
    "read_answer": "{tag}: {value}",
    "write_command": "{tag} := {value}",
    "write_answer": "{tag} is {value}",
    "error_answer": "! {reason}",
    "probe_command": "ping",
    "probe_answer": "{value}",
    "true_word": "ON",
    "false_word": "OFF",
}
TELLS: dict[str, Any] = {
    "read_command": None,
    "write_answer": "done {address}",
    "push": "{address}={value}",
}


@asynccontextmanager
async def peer_with(**words: Any) -> AsyncIterator[TcpSocketPeer]:
    async with running(TcpSocketPeer(**words)) as peer:
        assert isinstance(peer, TcpSocketPeer)
        yield peer


@asynccontextmanager
async def supervised(plc: PlcPort, *, connect: bool = True) -> AsyncIterator[SupervisedTask]:
    task = SupervisedTask("press", plc, backoff=QUICK)
    task.start()
    try:
        if connect:
            await task.wait_for_state(LinkState.CONNECTED, DEADLINE_S)
        yield task
    finally:
        await task.stop()


@asynccontextmanager
async def pushing(
    peer: TcpSocketPeer, *names: str, told: Told | None = None, connect: bool = True, **more: Any
) -> AsyncIterator[tuple[PlcPort, Told, SupervisedTask]]:
    """Connected, with the controller's own knowledge of it, and nothing told yet."""
    config, told = plc_config(peer), told or Told()
    plc = build(config, tags(peer, config, names, **more), told, Connections(), SystemClock())
    async with supervised(plc, connect=connect) as task:
        if connect:
            await peer.simulator.clients(1)
        yield plc, told, task


async def test_other_words() -> None:
    async with peer_with(**OTHER_WORDS) as peer, plc_rig(peer) as rig:
        for name, value in FIRST.items():
            await rig.told.has(name, value)
        assert (await rig.plc.write("reject", True)).value is True
        assert await peer.get("reject") is True
        assert (await rig.plc.write("setpoint", 4.5)).value == 4.5
        await peer.put("run", True)
        await rig.told.has("run", True)
        assert LinkState.LOST not in rig.states()


async def test_another_greeting_is_another_device() -> None:
    async with peer_with(greeting="Welcome") as peer:
        peer.words = {"greeting": "Hello {value}"}
        async with plc_rig(peer, connect=False) as rig:
            await rig.state(LinkState.LOST)
            assert "another greeting: 'Welcome'" in str(rig.task.snapshot().last_error)
            assert rig.told.values == []


@pytest.mark.parametrize("how", ["read", "write"])
async def test_an_answer_to_something_else_ends_the_connection(how: str) -> None:
    async with peer_with() as peer, plc_rig(peer, poll_interval_s=3600) as rig:
        lost = rig.task.expect(LinkState.LOST)
        peer.simulator.misanswers = True
        with pytest.raises(Unavailable, match="something else"):
            await (rig.plc.read(["count"]) if how == "read" else rig.plc.write("speed", 2.0))
        await asyncio.wait_for(lost, DEADLINE_S)
        assert rig.told.of("count") == [(7, Quality.GOOD), (7, Quality.BAD)]
        peer.simulator.misanswers = False
        await rig.state(LinkState.CONNECTED)
        assert (await rig.plc.read(["count"]))[0].value == 7


async def test_a_line_unasked_ends_the_connection_where_none_is_known() -> None:
    """The next answer would be taken for that of another question."""
    async with peer_with() as peer, plc_rig(peer, poll_interval_s=3600) as rig:
        lost = rig.task.expect(LinkState.LOST)
        await peer.simulator.say("D101 999")
        assert "nobody asked" in str((await asyncio.wait_for(lost, DEADLINE_S)).reason)
        await rig.state(LinkState.CONNECTED)
        assert 999 not in [each.value for each in rig.told.values]


async def test_a_line_without_end() -> None:
    async with peer_with() as peer, plc_rig(peer, poll_interval_s=3600) as rig:
        lost = rig.task.expect(LinkState.LOST)
        await peer.simulator.say("x" * 10_000)
        assert "1024 bytes" in str((await asyncio.wait_for(lost, DEADLINE_S)).reason)
        await rig.state(LinkState.CONNECTED)


async def test_a_question_given_up_takes_its_answer_along() -> None:
    async with peer_with() as peer, plc_rig(peer, poll_interval_s=3600) as rig:
        peer.slow(0.05)

        async def asked_since(before: int) -> None:
            await eventually(lambda: peer.simulator.asked > before)

        for _ in range(5):
            asked = peer.simulator.asked
            reading = asyncio.create_task(rig.plc.read(["speed"]))
            await asked_since(asked)
            reading.cancel()
            assert (await rig.plc.read(["count"]))[0].value == 7
        assert LinkState.LOST not in rig.states()


async def test_texts_stay_in_their_place() -> None:
    words = {"write_command": "WR {value} TO {address}"}
    async with peer_with(**words) as peer:
        peer.simulator.add(SimulatedPoint(address="T1", type=TagType.STRING, value="before"))
        config = plc_config(peer)
        text = {"name": "text", "plc": config.id, "address": "T1", "type": "STRING", "length": 40}
        plc = build(config, parse_bindings([text], [config]), Told(), Connections(), SystemClock())
        async with supervised(plc):
            assert (await plc.write("text", "after TWO")).value == "after TWO"
            for refused in ("x\r\nWR 1 TO D103", "x TO D103 TO", "x TO D103"):
                with pytest.raises(ValidationFailed) as error:
                    await plc.write("text", refused)
                assert error.value.details["field"] == "text"
        assert peer.simulator.writes == [("T1", "after TWO")]
        assert await peer.get("reject") is False


async def test_a_controller_that_tells_by_itself() -> None:
    async with peer_with(**TELLS) as peer, pushing(peer, "run", "count") as (plc, told, task):
        assert task.snapshot().state is LinkState.CONNECTED
        assert told.values == []
        with pytest.raises(UpstreamFailed, match=r"count: .* not told it yet"):
            await plc.read(["count"])
        for value in (8, 9, 8):
            await peer.put("count", value)
        await eventually(lambda: len(told.values) == 3)
        assert [value for value, _ in told.of("count")] == [8, 9, 8]
        assert (await plc.read(["count"]))[0].value == 8
        await peer.simulator.say("D101=a word")
        await told.has("count", 8, Quality.BAD)
        await peer.simulator.say("something else=3")
        await eventually(lambda: plc.counters()["passed_over"] == 1)
        await peer.put("count", 10)
        await told.has("count", 10)
        lost = task.expect(LinkState.LOST)
        await peer.cut()
        await asyncio.wait_for(lost, DEADLINE_S)
        await told.has("count", 10, Quality.BAD)
        assert peer.simulator.asked == 0


async def test_one_that_tells_and_is_written_to() -> None:
    """Its answer comes between the lines that it tells, and a listener may wait for it."""
    async with peer_with(**TELLS) as peer:
        told = Told()
        async with pushing(peer, "run", "reject", told=told) as (plc, _, task):

            async def answer() -> None:
                await told.has("run", True)
                await plc.write("reject", True)

            answering = asyncio.create_task(answer())
            await peer.put("run", True)
            await asyncio.wait_for(answering, DEADLINE_S)
            assert await peer.get("reject") is True
            await told.has("reject", True)
            assert task.snapshot().state is LinkState.CONNECTED


async def test_a_flood_of_what_it_tells_keeps_the_newest() -> None:
    async with peer_with(**TELLS) as peer:
        gate = asyncio.Event()

        class Slow(Told):
            async def __call__(self, binding: Any, value: Any) -> None:
                await super().__call__(binding, value)
                await gate.wait()

        told = Slow()
        async with pushing(peer, "count", "reject", told=told) as (plc, _, task):
            for value in range(3 * MOST_WAITING):
                await peer.put("count", value)
            await eventually(lambda: plc.counters()["pushes"] == 3 * MOST_WAITING)
            # The connection is read on: a write is confirmed while the listener hangs.
            await plc.write("reject", True)
            assert len(told.values) == 1
            gate.set()
            await told.has("count", 3 * MOST_WAITING - 1)
            assert plc.counters()["dropped"] > 0
            assert task.snapshot().state is LinkState.CONNECTED


async def test_silence_is_a_loss_where_it_is_said_to_be() -> None:
    async with (
        peer_with(**TELLS, silence_s=0.3) as peer,
        pushing(peer, "run", connect=False) as (_, told, task),
    ):
        await task.wait_for_state(LinkState.LOST, DEADLINE_S)
        back, has = task.expect(LinkState.CONNECTED), asyncio.create_task(told.has("run", True))
        while not has.done():
            await peer.put("run", True)
            await asyncio.wait({has}, timeout=0.05)
        await has
        assert back.done()
        # Nothing is put from here on; it may have been silent for too long already.
        await eventually(lambda: task.snapshot().state is LinkState.LOST)
        assert "silent" in str(task.snapshot().last_error)


async def test_polled_and_told() -> None:
    words = {"push": "!{address}={value}"}
    async with peer_with(**words) as peer, plc_rig(peer, READ, poll_interval_s=3600) as rig:
        await peer.put("count", 8)
        await rig.told.has("count", 8)
        assert (await rig.plc.read(["count"]))[0].value == 8


async def test_only_written() -> None:
    words = {"read_command": None, "probe_command": "ping"}
    async with peer_with(**words) as peer, plc_rig(peer, ("stop",), settings=HASTY) as rig:
        assert peer.simulator.asked == 1
        await rig.plc.write("stop", True)
        assert await peer.get("stop") is True
        peer.stall()
        lost = rig.task.expect(LinkState.LOST)
        with pytest.raises(TimedOut):
            await rig.plc.write("stop", False)
        await asyncio.wait_for(lost, DEADLINE_S)
        peer.resume()


async def test_a_refusal_is_in_the_controllers_words() -> None:
    async with peer_with() as peer:
        config = plc_config(peer)
        count = {"name": "count", "plc": config.id, "address": ADDRESSES["count"], "type": "DINT"}
        bindings = parse_bindings([count], [config])
        plc = build(config, bindings, Told(), Connections(), SystemClock())
        async with supervised(plc):
            with pytest.raises(UpstreamFailed, match="refused count: may not be written"):
                await plc.write("count", 1)
            assert (await plc.read(["count"]))[0].value == 7
        assert await peer.get("count") == 7


@pytest.mark.parametrize(
    ("words", "field"),
    [
        ({"read_command": "RD"}, "read_command"),
        ({"read_command": "RD {address}\r"}, "read_command"),
        ({"read_command": "RD {addres}"}, "read_command"),
        ({"read_answer": "{address}"}, "read_answer"),
        ({"write_command": "WR {address}{value}"}, "write_command"),
        ({"write_command": "WR {value}"}, "write_command"),
        ({"write_answer": "{"}, "write_answer"),
        ({"error_answer": "{reason}"}, "error_answer"),
        ({"push": "{value}"}, "push"),
        ({"probe_command": "PING {address}"}, "probe_command"),
        ({"terminator": ""}, "terminator"),
        ({"terminator": "OK"}, "write_answer"),
        ({"encoding": "utf-16"}, "encoding"),
        ({"encoding": "ascii", "true_word": "да"}, "true_word"),
        ({"true_word": "1 "}, "true_word"),
        ({"false_word": "1"}, "false_word"),
        ({"silence_s": 0}, "silence_s"),
        ({"max_line_bytes": 1}, "max_line_bytes"),
    ],
)
def test_words_that_are_refused(words: dict[str, Any], field: str) -> None:
    given = {"id": "press", "protocol": "TCP_SOCKET", "host": "x", "port": 1, "tcp_socket": words}
    with pytest.raises(ValidationFailed) as refused:
        parse_plcs([given])
    named = refused.value.details["field"].rpartition(".")[2]
    assert named.replace("_", "").lower() == field.replace("_", "")


@pytest.mark.parametrize(
    ("words", "tag", "field"),
    [
        ({}, {"address": "D1\r"}, "bindings.a.address"),
        ({}, {"address": "D 1"}, "bindings.a.address"),
        ({}, {"address": "Д1"}, "bindings.a.address"),
        ({"write_command": None}, {}, "bindings.a.access"),
        ({"read_command": None}, {}, "bindings.a.access"),
    ],
)
def test_tags_that_are_refused(words: dict[str, Any], tag: dict[str, Any], field: str) -> None:
    given = {"id": "press", "protocol": "TCP_SOCKET", "host": "x", "port": 1, "tcp_socket": words}
    (config,) = parse_plcs([given])
    bindings = parse_bindings([{"name": "a", "plc": "press", "address": "D1", **tag}], [config])
    with pytest.raises(ValidationFailed) as refused:
        build(config, bindings, Told(), Connections(), SystemClock())
    assert refused.value.details["field"] == field


@pytest.mark.parametrize("missing", ["host", "port"])
def test_an_address_is_needed(missing: str) -> None:
    given = {"id": "press", "protocol": "TCP_SOCKET", "host": "x", "port": 1}
    (config,) = parse_plcs([{each: given[each] for each in given if each != missing}])
    with pytest.raises(ValidationFailed) as refused:
        build(config, (), Told(), Connections(), SystemClock())
    assert refused.value.details["field"] == f"plcs.press.{missing}"

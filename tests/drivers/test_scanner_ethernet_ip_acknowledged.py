"""Scanners on EtherNet/IP that show their next code when this one was acknowledged."""

import asyncio

import pytest

from domain.kernel.errors import Unavailable
from drivers import registry
from drivers.link import LinkState
from drivers.scanners.port import Reading
from drivers.supervised import SupervisedTask
from tests.support.ethernet_ip_scanners import config_at, emit, rig, simulated
from tests.support.scanners import MILK, QUICK, Sink, milk
from tests.support.waiting import DEADLINE_S, eventually, unchanging

acknowledged = pytest.mark.parametrize("place", ["assembly-ack", "tags-ack"])


@acknowledged
async def test_what_waits_to_be_acknowledged_is_not(place: str) -> None:
    sink = Sink()
    async with simulated(place) as simulator:
        peer = await asyncio.open_connection("127.0.0.1", simulator.port)
        shown = asyncio.create_task(simulator.emit(MILK))
        await eventually(lambda: simulator.shown_count == 1)
        driver = registry.scanner(config_at(simulator.port, place), sink)
        task = SupervisedTask("scanner-3", driver, backoff=QUICK)
        task.start()
        await sink.has(MILK)
        await asyncio.wait_for(shown, DEADLINE_S)
        await task.stop()
        peer[1].close()
    assert sink.texts == [MILK]


@acknowledged
async def test_a_code_is_acknowledged_once_it_was_handled(place: str) -> None:
    sink = Sink()
    sink.gate.clear()
    async with rig(place, sink=sink) as line:

        def acknowledged() -> bool:
            return line.simulator.is_acknowledged

        shown = asyncio.create_task(line.simulator.emit(MILK))
        await sink.count(1)
        await unchanging(acknowledged, 0.05)
        assert not acknowledged()
        sink.gate.set()
        await asyncio.wait_for(shown, DEADLINE_S)
        assert acknowledged()
        await emit(line, *milk(20))
        assert sink.texts == [MILK, *milk(20)]


@acknowledged
async def test_an_acknowledgement_that_was_lost_is_sent_again(place: str) -> None:
    sink = Sink()
    sink.gate.clear()
    async with rig(place, sink=sink) as line:
        shown = asyncio.create_task(line.simulator.emit(MILK))
        await sink.count(1)
        lost, back = line.task.expect(LinkState.LOST), line.task.expect(LinkState.CONNECTED)
        await line.simulator.target.cut()
        # The end of the link waits for what is open.
        sink.gate.set()
        await asyncio.wait_for(lost, DEADLINE_S)
        await asyncio.wait_for(back, DEADLINE_S)
        await asyncio.wait_for(shown, DEADLINE_S)
        await emit(line, "next")
        assert sink.texts == [MILK, "next"]


@acknowledged
async def test_a_refused_reading_does_not_hold_the_line(place: str) -> None:
    sink = Sink()

    def refuse(reading: Reading) -> bool:
        if reading.text != "fine":
            raise Unavailable("no room")
        return True

    sink.verdict = refuse
    async with rig(place, sink=sink) as line:
        await emit(line, "a", "b", "fine")
        await eventually(lambda: line.counter("refused") == 2)
        assert LinkState.LOST not in line.states()

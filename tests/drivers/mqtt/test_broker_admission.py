"""Who is let in, when telling the bundled broker goes wrong: nothing of it is ever forgotten."""

import asyncio
import os
import signal
import ssl
from pathlib import Path

import pytest

from drivers.link import LinkState, PeerLost
from drivers.mqtt.broker import BundledBroker
from drivers.mqtt.configuration import Admitted, BrokerSettings
from drivers.supervised import SupervisedTask
from tests.support.mqtt import START_S, Broker, authority_in
from tests.support.waiting import eventually

A = Admitted("gateway-a", "a" * 32)
B = Admitted("gateway-b", "b" * 32)


async def is_let_in(broker: Broker, name: str) -> bool:
    tls: ssl.SSLContext = await broker.tls(name)
    try:
        async with broker.gateway(name, tls):
            return True
    except PeerLost as lost:
        if "authorized" not in str(lost):
            raise
        return False


async def test_told_while_it_starts_it_has_it_once_it_is_there(tmp_path: Path) -> None:
    authority = authority_in(tmp_path / "keys")
    bundled = BundledBroker(BrokerSettings(folder=tmp_path / "mqtt"), authority)
    await bundled.admit([A, B])
    task = SupervisedTask("broker", bundled)
    task.start()
    try:
        # Its configuration is written by now, and it does not listen yet.
        await eventually(lambda: bundled.counters()["starts"] == 1)
        await bundled.admit([A])
        await task.wait_for_state(LinkState.CONNECTED, START_S)
        broker = Broker(bundled, task, authority)
        assert await is_let_in(broker, A.thing_name)
        assert not await is_let_in(broker, B.thing_name)
        assert bundled.counters()["reloads"] == 1
    finally:
        await task.stop()


async def test_a_file_that_cannot_be_written_is_written_the_next_time(broker: Broker) -> None:
    place = broker.bundled.settings.configuration
    place.unlink()
    place.mkdir()  # whoever we run as, a file cannot take its place
    with pytest.raises(OSError, match=place.name):
        await broker.bundled.admit([A])
    assert await is_let_in(broker, B.thing_name)
    place.rmdir()
    await broker.bundled.admit([A])
    assert not await is_let_in(broker, B.thing_name)
    assert broker.bundled.counters()["reloads"] == 1


async def test_broken_off_it_is_told_the_next_time(broker: Broker) -> None:
    telling = asyncio.create_task(broker.bundled.admit([A]))
    await asyncio.sleep(0)  # it writes the file
    telling.cancel()
    with pytest.raises(asyncio.CancelledError):
        await telling
    assert await is_let_in(broker, B.thing_name)
    await broker.bundled.admit([A])
    assert not await is_let_in(broker, B.thing_name)


async def test_one_that_dies_over_it_is_told_at_its_next_start(broker: Broker) -> None:
    number = int(broker.bundled.settings.pid.read_text())
    os.kill(number, signal.SIGSTOP)  # it does not answer
    lost = broker.task.expect(LinkState.LOST)
    telling = asyncio.create_task(broker.bundled.admit([A]))
    await eventually(lambda: B.id not in broker.bundled.settings.configuration.read_text())
    os.kill(number, signal.SIGKILL)
    async with asyncio.timeout(5):
        with pytest.raises(PeerLost):
            await telling
        await lost
    await broker.task.wait_for_state(LinkState.CONNECTED, START_S)
    assert await is_let_in(broker, A.thing_name)
    assert not await is_let_in(broker, B.thing_name)

"""Whoever is stopped is stopped, and nobody else is, whatever the server answers meanwhile."""

import asyncio
from collections.abc import AsyncIterator

import pytest
from asyncua.client.ua_client import UASocketProtocol

from drivers.plcs.opc_ua.client import opened
from drivers.plcs.port import PlcConfig
from tests.support.opc_ua import OpcUaPeer
from tests.support.plcs import plc_config, running
from tests.support.waiting import DEADLINE_S

STEPS = 8
"""Of the loop, between a connection that is up and whoever dialled it, and a few more."""


@pytest.fixture
async def peer() -> AsyncIterator[OpcUaPeer]:
    peer = OpcUaPeer()
    async with running(peer):
        yield peer


async def test_who_is_stopped_in_the_moment_of_the_connection_stops(
    peer: OpcUaPeer, monkeypatch: pytest.MonkeyPatch
) -> None:
    config = plc_config(peer)
    for steps in range(STEPS):
        with monkeypatch.context() as patched:
            staying = asyncio.create_task(_stay(config))
            _stop_after(patched, staying, steps)
            _, goes_on = await asyncio.wait({staying}, timeout=DEADLINE_S)
        assert not goes_on, f"stopped {steps} steps after the connection came up"


async def _stay(config: PlcConfig) -> None:
    async with opened(config) as session:
        await session.until_lost()


def _stop_after(patched: pytest.MonkeyPatch, task: asyncio.Task[None], steps: int) -> None:
    """Stops the task once: so many steps of the loop after its socket is connected."""
    made, loop = UASocketProtocol.connection_made, asyncio.get_running_loop()

    def step(left: int) -> None:
        if left:
            loop.call_soon(step, left - 1)
        else:
            task.cancel()

    def connected(protocol: UASocketProtocol, transport: asyncio.Transport) -> None:
        made(protocol, transport)
        step(steps)

    patched.setattr(UASocketProtocol, "connection_made", connected)

"""Whoever is stopped is stopped, and nobody else is, whatever the server answers meanwhile."""

import asyncio
import time
from collections.abc import AsyncIterator
from contextlib import suppress
from typing import Any

import pytest
from asyncua import ua
from asyncua.client.ua_client import UASocketProtocol

from drivers.link import PeerLost
from drivers.patience import LAST_LOOK, LATE_S
from drivers.plcs.opc_ua.client import ServerSession, opened
from drivers.plcs.port import PlcConfig
from tests.support.opc_ua import OpcUaPeer
from tests.support.plcs import plc_config, running
from tests.support.waiting import DEADLINE_S, good_answer

STEPS = 8
"""Of the loop, between a connection that is up and whoever dialled it, and a few more."""

BRIEF_S = 0.3


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


async def test_a_deadline_that_meets_the_answer_cancels_nobody(
    peer: OpcUaPeer, monkeypatch: pytest.MonkeyPatch
) -> None:
    config = plc_config(peer, timeout_s=BRIEF_S)

    async def outcome() -> BaseException | None:
        with suppress(PeerLost):
            async with opened(config) as session:
                with monkeypatch.context() as patched:
                    writing = asyncio.create_task(_write(session))
                    _hold_up_before_the_answer(patched, asyncio.get_running_loop().time() + BRIEF_S)
                    await asyncio.wait({writing})
                raise PeerLost("enough")
        assert not writing.cancelled(), "nobody asked for that"
        return writing.exception()

    # Where the machine holds us up for longer still, the answer came in time.
    assert await good_answer(outcome, lambda met: isinstance(met, TimeoutError))


async def _write(session: ServerSession) -> None:
    node = ua.NodeId("Line.Reject", 2)  # type: ignore[arg-type]  # its types are for itself
    await session.write(node, ua.Variant(True, ua.VariantType.Boolean))


def _hold_up_before_the_answer(patched: pytest.MonkeyPatch, until_s: float) -> None:
    """The process, in its last look: once it listens again it finds both the answer and that its
    time is over."""
    answered, loop = UASocketProtocol._call_callback, asyncio.get_running_loop()
    look_s = min(LATE_S, LAST_LOOK * BRIEF_S)

    def held_up(*answer: Any) -> None:
        time.sleep(max(0.0, until_s + look_s + LATE_S / 4 - loop.time()))
        loop.call_soon(answered, *answer)

    def came(protocol: UASocketProtocol, request_id: int, body: Any) -> None:
        loop.call_at(until_s + look_s / 2, held_up, protocol, request_id, body)

    patched.setattr(UASocketProtocol, "_call_callback", came)

"""The client beside its loop: whoever is stopped while the broker answers is stopped."""

import asyncio
from pathlib import Path

from drivers.mqtt.client import Client
from drivers.mqtt.configuration import Admitted
from tests.support.mqtt import PREFIX, running_broker
from tests.support.waiting import DEADLINE_S

NAME = "Gateway1"
STEPS = 8
"""Of the loop, between an acknowledgement and whoever waits for it, and a few more."""


async def test_who_is_stopped_in_the_moment_of_an_acknowledgement_stops(tmp_path: Path) -> None:
    async with running_broker(tmp_path, [Admitted(NAME, "a" * 32)]) as broker:
        for steps in range(STEPS):
            async with broker.gateway(NAME) as gateway:
                publishing = asyncio.create_task(_publish_for_ever(gateway))
                _stop_after(gateway, publishing, steps)
                _, goes_on = await asyncio.wait({publishing}, timeout=DEADLINE_S)
                assert not goes_on, f"stopped {steps} steps after the acknowledgement"


async def _publish_for_ever(gateway: Client) -> None:
    while True:
        await gateway.publish_acknowledged(f"{PREFIX}/gateway/{NAME}", b"{}", DEADLINE_S)


def _stop_after(gateway: Client, task: asyncio.Task[None], steps: int) -> None:
    """Stops the task once: so many steps of the loop after the first acknowledgement."""
    acknowledged = gateway._client.on_publish
    loop = asyncio.get_running_loop()

    def step(left: int) -> None:
        if left:
            loop.call_soon(step, left - 1)
        else:
            task.cancel()

    def first(*told: object) -> None:
        gateway._client.on_publish = acknowledged
        acknowledged(*told)  # type: ignore[misc, arg-type]
        step(steps)

    gateway._client.on_publish = first

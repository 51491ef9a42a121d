"""The demo's gateway: let in by the front door, publishing to a broker of the factory's own."""

import re
import signal
from pathlib import Path

import httpx2
import psutil

from tests.support.processes import FactoryProcess, patiently

COMPLAINTS = ("Traceback", "was destroyed", "never retrieved", "never awaited")


def stored(factory: FactoryProcess) -> int:
    page = httpx2.get(f"http://127.0.0.1:{factory.port}/metrics").text
    found = re.search(r'oktograph_mqtt_messages_total\{outcome="stored"\} (\d+)', page)
    return int(found[1]) if found else 0


async def publishes_and_ends(factory: FactoryProcess) -> None:
    await patiently(lambda: stored(factory) >= 5)
    factory.send(signal.SIGINT)
    assert await factory.ended(15) == 0
    said = factory.tail(100_000)
    assert [word for word in COMPLAINTS if word in said] == [], said[-2_000:]


async def test_it_publishes_and_does_so_again_after_a_restart(tmp_path: Path) -> None:
    for _ in range(2):
        async with FactoryProcess(tmp_path, "--demo", "--demo-rate", "50") as factory:
            assert "mqtts://localhost:" in factory.tail(100_000)
            await publishes_and_ends(factory)
        kept = list((tmp_path / "data" / "demo-gateways").iterdir())
        assert len(kept) == 1, "one certificate, used again"


async def test_killed_it_takes_its_broker_with_it(tmp_path: Path) -> None:
    async with FactoryProcess(tmp_path, "--demo", "--demo-rate", "50") as factory:
        await patiently(lambda: stored(factory) >= 1)
        broker = int((tmp_path / "data" / "mqtt" / "broker.pid").read_text())
        assert psutil.pid_exists(broker)
        factory.send(signal.SIGKILL)
        await patiently(lambda: not psutil.pid_exists(broker))

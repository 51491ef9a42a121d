"""Every behaviour is asked of each broker."""

from collections.abc import AsyncIterator
from contextlib import AsyncExitStack

import pytest

from drivers.bus import BusTiming, WakeUpBus
from tests.support.bus import QUICK, Broker, Join, Process, postgres_broker, redis_broker


@pytest.fixture(params=["redis", "postgres"])
def broker(request: pytest.FixtureRequest) -> Broker:
    if request.param == "redis":
        return redis_broker(request.getfixturevalue("redis_server"))
    return postgres_broker(request.getfixturevalue("postgres_database"))


@pytest.fixture
async def join() -> AsyncIterator[Join]:
    """join(url, namespace="one", timing=QUICK) starts one more process's end of a bus."""
    async with AsyncExitStack() as stack:

        async def joined(url: str, *, namespace: str = "one", timing: BusTiming = QUICK) -> Process:
            woken: list[None] = []
            bus = WakeUpBus(url, lambda: woken.append(None), namespace=namespace, timing=timing)
            stack.push_async_callback(bus.close)
            await bus.start()
            return Process(bus, woken)

        yield joined

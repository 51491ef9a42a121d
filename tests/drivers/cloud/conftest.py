"""A cloud on a real socket, and a client that repeats without long pauses."""

from collections.abc import AsyncIterator

import pytest

from drivers.cloud.client import HttpCloud
from drivers.cloud.simulator import CloudState, RunningCloud, running_cloud
from tests.support.cloud import FAST, MovableClock, activated


@pytest.fixture
def clock() -> MovableClock:
    return MovableClock()


@pytest.fixture
async def cloud(clock: MovableClock) -> AsyncIterator[RunningCloud]:
    async with running_cloud(0, CloudState(clock=clock)) as running:
        yield running


@pytest.fixture
async def client(cloud: RunningCloud) -> AsyncIterator[HttpCloud]:
    async with HttpCloud(cloud.url, timeout_s=5.0, retry=FAST) as connected:
        yield connected


@pytest.fixture
async def device_token(client: HttpCloud) -> str:
    return await activated(client)

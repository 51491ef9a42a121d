"""Fixtures: an edge beside a cloud on a real socket, on both databases."""

from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from domain.kernel.tail import LogTail
from domain.kernel.uow import Transactions
from drivers.cloud.client import HttpCloud
from drivers.cloud.simulator import RunningCloud, running_cloud
from drivers.secrets.fernet import FernetBox
from tests.support.cloud import FAST
from tests.support.edges import Edge, open_edge
from tests.support.processes import free_port


@pytest.fixture
async def cloud() -> AsyncIterator[RunningCloud]:
    async with running_cloud(0) as running:
        yield running


@pytest.fixture
async def client(cloud: RunningCloud) -> AsyncIterator[HttpCloud]:
    async with HttpCloud(cloud.url, timeout_s=5.0, retry=FAST) as connected:
        yield connected


@pytest.fixture
def closed_port() -> int:
    """Nobody listens there."""
    return free_port()


@pytest.fixture
def secrets(tmp_path: Path) -> FernetBox:
    return FernetBox.in_folder(tmp_path / "keys")


@pytest.fixture
async def edge(
    customer_id: int,
    transactions: Transactions,
    tail: LogTail,
    client: HttpCloud,
    secrets: FernetBox,
) -> AsyncIterator[Edge]:
    async with open_edge(customer_id, transactions, tail, client, secrets) as opened:
        yield opened

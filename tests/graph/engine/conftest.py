from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from tests.support.toy_graph import Toy, served, toy_on


@pytest.fixture
async def toy(tmp_path: Path) -> AsyncIterator[Toy]:
    async with toy_on(tmp_path / "toy.db") as made:
        yield made


@pytest.fixture
async def address(toy: Toy) -> AsyncIterator[str]:
    async with served(toy) as where:
        yield where

"""A customer's software on both databases."""

from pathlib import Path

import pytest

from domain.kernel.database import Database
from domain.kernel.tail import LogTail
from domain.kernel.uow import Transactions
from tests.support.software import Factory, open_factory


@pytest.fixture
def artifacts(tmp_path: Path) -> Path:
    return tmp_path / "artifacts"


@pytest.fixture
async def factory(
    database: Database,
    transactions: Transactions,
    tail: LogTail,
    customer_id: int,
    artifacts: Path,
) -> Factory:
    return await open_factory(database, transactions, tail, customer_id, artifacts)

"""What tests of exports stand on."""

from pathlib import Path

import pytest

from domain.kernel.database import Database
from domain.kernel.uow import Transactions
from tests.support.clocks import ManualClock
from tests.support.exports import House


@pytest.fixture
def house(
    database: Database,
    transactions: Transactions,
    clock: ManualClock,
    customer_id: int,
    tmp_path: Path,
) -> House:
    return House(database, transactions, clock, customer_id, tmp_path / "files")

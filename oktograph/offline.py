"""The database without the service: for commands that run beside it or without it."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from domain.identity.operations import ensure_customer
from domain.identity.rows import CustomerRow
from domain.kernel.actor import system_actor
from domain.kernel.clock import SystemClock
from domain.kernel.database import Database
from domain.kernel.uow import Transactions
from migrations import upgrade
from oktograph.settings import Place, Settings


class NobodyListens:
    """A service that runs finds new facts by its timer."""

    def announce(self) -> None:
        return


@asynccontextmanager
async def opened(
    settings: Settings, place: Place
) -> AsyncIterator[tuple[Transactions, CustomerRow]]:
    """The database of the edge or the factory of this data directory."""
    settings.data_dir.mkdir(parents=True, exist_ok=True)
    database = Database(settings.database_of(place))
    try:
        await upgrade(database)
        transactions = Transactions(database, SystemClock(), NobodyListens())
        async with transactions.begin(system_actor("command line", 0)) as work:
            customer = await ensure_customer(work, "Default")
        yield transactions, customer
    finally:
        await database.close()

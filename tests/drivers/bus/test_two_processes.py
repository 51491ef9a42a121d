"""What the bus is for: rows that one process writes reach the readers of another at once."""

import asyncio
from contextlib import AsyncExitStack

from domain.kernel.actor import system_actor
from domain.kernel.database import Database
from domain.kernel.eventlog import LogRow
from domain.kernel.tail import LOOK_AGAIN_S, LogTail
from domain.kernel.uow import Transactions
from drivers.bus import LinkState, WakeUpBus
from tests.support.bus import QUICK, Broker
from tests.support.clocks import ManualClock
from tests.support.waiting import eventually

ROWS = 20


async def test_rows_of_one_process_reach_the_other_without_its_timer(
    broker: Broker, postgres_database: Database, clock: ManualClock
) -> None:
    url = postgres_database.url.render_as_string(hide_password=False)
    async with AsyncExitStack() as stack:
        other_database = Database(url.replace("+asyncpg", ""))
        stack.push_async_callback(other_database.close)
        far = LogTail(other_database)
        await far.start()
        stack.push_async_callback(far.stop)
        ends = [
            WakeUpBus(broker.url, wake, namespace=far.log_id, timing=QUICK)
            for wake in (lambda: None, far.wake)
        ]
        for end in ends:
            await end.start()
            stack.push_async_callback(end.close)
        await eventually(lambda: all(end.snapshot().state is LinkState.LIVE for end in ends))
        heard: list[LogRow] = []
        far.listen(heard.extend)
        transactions = Transactions(postgres_database, clock, ends[0])
        async with asyncio.timeout(ROWS * LOOK_AGAIN_S / 4):
            for number in range(ROWS):
                async with transactions.begin(system_actor("test", 1)) as work:
                    work.record("test", "happened", "", number=number)
                await eventually(lambda seen=number + 1: len(heard) == seen)  # type: ignore[misc]
        assert [row.data["number"] for row in heard] == list(range(ROWS))

"""A factory's delivery to the cloud, for as long as it is switched on.

While it is off, nothing holds the log back from being trimmed; switched on again, it delivers
what the log still holds, which upstream takes without a further effect where it was known.
"""

from domain.kernel import eventlog
from domain.kernel.actor import system_actor
from domain.sync.operations import connection
from domain.sync.passes import COMPONENT
from domain.sync.repository.queue import reader_name
from domain.sync.worker import SyncWorker


class CloudForwarder(SyncWorker):
    """For a runner with a `forward_lane`. `run` it in the background."""

    async def _turn(self) -> None:
        if await self._follow_the_switch():
            await super()._turn()

    async def _follow_the_switch(self) -> bool:
        """Whether it is on; the reader of the log is there exactly then."""
        lane, customer_id = self._runner.lane, self._customer_id
        async with self._transactions.database.read() as session:
            is_on = await lane.is_open(session, customer_id)
            reads = await eventlog.has_reader(session, reader_name(customer_id, lane.reader))
        if is_on != reads:
            async with self._transactions.begin(system_actor(COMPONENT, customer_id)) as work:
                change = connection.register if is_on else connection.release
                await change(work, lane.reader)
        return is_on

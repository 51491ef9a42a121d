"""Jobs found in the scans of a gateway, as many as there are, in flat memory: a batch of scans at a
time, each in a read of its own."""

from collections.abc import AsyncGenerator, Callable
from contextlib import AbstractAsyncContextManager

from domain.jobs import reads
from domain.jobs.reads import Place, Window
from domain.jobs.rows import JobConfigurationRow, JobRow
from domain.jobs.rules import OpenJob
from domain.kernel.database import ReadSession

Read = Callable[[], AbstractAsyncContextManager[ReadSession]]


async def jobs_within(
    read: Read, customer_id: int, configuration: JobConfigurationRow, window: Window
) -> AsyncGenerator[JobRow, None]:
    """In the order of their ends. A window that begins behind a job's end goes on as if nothing
    had been before."""
    job = OpenJob(configuration.start_barcode, configuration.end_barcode)
    while True:
        async with read() as session:
            found = await reads.batch(session, customer_id, configuration, window)
        for one in job.ended(found):
            yield one
        if len(found) < reads.BATCH:
            return
        window = window._replace(after=Place(found[-1].occurred_at_us, found[-1].scan_id))

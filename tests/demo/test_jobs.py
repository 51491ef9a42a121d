"""What the demo's gateway reads is jobs, by the demo's own configuration."""

from itertools import count

from domain.jobs.rows import ReadRow
from domain.jobs.rules import OpenJob
from domain.kernel.paging import PageRequest
from domain.kernel.permissions import Permission
from graph.fleet.resolvers import config_files
from graph.jobs import resolvers as jobs
from oktograph.demo.jobs import END, PAUSE, READS, START, prepared_jobs, with_jobs
from tests.support.factory import FactoryServer
from tests.support.jobs import gateway


def test_each_round_is_a_job_and_loses_no_read() -> None:
    numbers = count()
    next_read = with_jobs(lambda: f"code {next(numbers)}")
    rounds = 3
    reads = [next_read() for _ in range(rounds * (READS + PAUSE + 2))]
    assert [one for one in reads if one.startswith("code")] == [
        f"code {number}" for number in range(rounds * (READS + PAUSE))
    ]
    rows = [ReadRow(str(place), place, code) for place, code in enumerate(reads)]
    found = list(OpenJob(START, END).ended(rows))
    assert [job.end_us - job.start_us for job in found] == [READS + 1] * rounds


async def test_it_is_prepared_once(sqlite_factory: FactoryServer) -> None:
    context = sqlite_factory.context(sqlite_factory.system)
    assert Permission.JOBS_CONFIGURATION_WRITE in context.actor.permissions
    row = await gateway(sqlite_factory, "Gateway1")
    for _ in range(2):
        await prepared_jobs(context, row.id)
    (made,) = (await jobs.list_job_configurations(context, PageRequest(5))).rows
    assert made.gateways[0].replace("-", "") == row.id
    (file,) = (await config_files.list_config_files(context, PageRequest(5))).rows
    assert file.identifier == "scanner-defaults"

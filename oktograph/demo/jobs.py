"""The demo's jobs: what begins and ends one at its gateway, the barcodes between its other reads,
and the file that its scanners are configured by."""

from collections.abc import AsyncIterator, Callable, Iterator
from itertools import cycle
from typing import Final
from uuid import UUID

import orjson

from domain.fleet.config_files.commands import PutConfigFile
from domain.jobs.commands import CreateJobConfiguration
from domain.kernel.paging import PageRequest
from graph.context import Context
from graph.fleet.resolvers import config_files
from graph.jobs import resolvers as jobs

START: Final = "JOB-START"
END: Final = "JOB-END"
READS: Final = 8
PAUSE: Final = 4
"""So many reads are a part of no job."""
FILE: Final = "scanner-defaults"
_SETTINGS: Final = {"symbologies": ["DATA_MATRIX", "QR_CODE"], "feedback": {"vibration": True}}


async def prepared_jobs(context: Context, gateway_id: str) -> None:
    """Once: what people change or remove stays so, as long as they leave something."""
    if not (await jobs.list_job_configurations(context, PageRequest(1))).rows:
        command = CreateJobConfiguration.of(
            name="Packing job 1",
            start_barcode=START,
            end_barcode=END,
            gateways=(str(UUID(hex=gateway_id)),),
        )
        await jobs.create_job_configuration(context, command)
    if not (await config_files.list_config_files(context, PageRequest(1))).rows:
        file = PutConfigFile.of(identifier=FILE, name="scanner.json", media_type="application/json")
        await config_files.put_config_file(context, file, _settings())


def with_jobs(next_code: Callable[[], str]) -> Callable[[], str]:
    """The same reads, and in between what a worker reads off a job's sheet."""
    places = cycle(_places())

    def next_read() -> str:
        return next(places) or next_code()

    return next_read


def _places() -> Iterator[str]:
    """Of one round; the empty ones are for reads of something else."""
    yield f"{START}-1"
    yield from [""] * READS
    yield f"{END}-1"
    yield from [""] * PAUSE


async def _settings() -> AsyncIterator[bytes]:
    yield orjson.dumps(_SETTINGS, option=orjson.OPT_INDENT_2)

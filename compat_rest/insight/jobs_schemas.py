"""Bodies of job configurations and of their analysis."""

from typing import Annotated, Final, Literal

from pydantic import Field

from compat_rest.insight.schemas import Given, Shown, Uuid
from compat_rest.kernel.fields import PRINTABLE
from domain.jobs.commands import MAX_GATEWAYS

MAX_MILLIS: Final = 4_000_000_000_000_000
"""What 64 bits of microseconds hold, rounded."""
Name = Annotated[str, Field(min_length=1, max_length=128, pattern=PRINTABLE)]
Barcode = Annotated[str, Field(min_length=1, max_length=256, pattern=r"^[^\x00]+$")]
Millis = Annotated[float, Field(ge=0, le=MAX_MILLIS, allow_inf_nan=False)]


class JobConfig(Shown):
    """`gateway_ids` are as they were given, times in milliseconds."""

    job_config_id: Uuid
    job_name: str
    created: int
    last_updated: int
    start_barcode: str
    end_barcode: str
    gateway_ids: list[str]
    class_: Literal["jobconfig"] = Field(alias="class")
    version: int


class NewJobConfig(Given):
    """The barcodes are what the codes that begin and end a job start with; a gateway is named by
    its id, its serial number or its thing name."""

    job_name: Name
    start_barcode: Barcode
    end_barcode: Barcode
    gateway_ids: Annotated[list[Name], Field(max_length=MAX_GATEWAYS)]


class AnalysisBody(Given):
    """Jobs that begin and end within this time, in milliseconds, both included."""

    job_config_id: str
    start_time: Millis
    end_time: Millis


class Job(Shown):
    start_time: int
    end_time: int
    start_event_id: Uuid
    end_event_id: Uuid


class JobsOfGateway(Shown):
    gateway_id: str
    jobs: list[Job]


class Analysis(Shown):
    """By gateway, in the configuration's order; jobs in the order of their ends."""

    results: list[JobsOfGateway]

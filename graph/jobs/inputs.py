"""Inputs of jobs, each named after its mutation; `command()` makes what resolvers take."""

from typing import Any

import strawberry

from domain.jobs.commands import AnalyseJobs, CreateJobConfiguration, UpdateJobConfiguration
from domain.kernel.errors import ValidationFailed
from graph.pagination import plain_id
from graph.scalars import Timestamp


def configuration_key(value: str) -> str:
    return plain_id(value, "JobConfiguration")


@strawberry.input
class CreateJobConfigurationInput:
    name: str
    start_barcode: str = strawberry.field(description="What codes that begin a job start with")
    end_barcode: str = strawberry.field(description="What codes that end a job start with")
    gateway_ids: list[str] = strawberry.field(
        default_factory=list, description="Ids, serial numbers or thing names"
    )

    def command(self) -> CreateJobConfiguration:
        given = vars(self).copy()
        gateways = tuple(_gateway(one) for one in given.pop("gateway_ids"))
        return CreateJobConfiguration.of(gateways=gateways, **given)


@strawberry.input(description="Only what is given changes")
class UpdateJobConfigurationInput:
    id: strawberry.ID
    name: str | None = None
    start_barcode: str | None = None
    end_barcode: str | None = None
    gateway_ids: list[str] | None = None
    version: int | None = strawberry.field(
        default=None, description="What was read before: refused where somebody else was first"
    )

    def command(self) -> UpdateJobConfiguration:
        given: dict[str, Any] = vars(self).copy()
        key, gateways = given.pop("id"), given.pop("gateway_ids")
        if gateways is not None:
            given["gateways"] = tuple(_gateway(one) for one in gateways)
        return UpdateJobConfiguration.of(configuration_id=configuration_key(key), **given)


@strawberry.input(description="Jobs that begin and end within it")
class JobAnalysisInput:
    configuration_id: strawberry.ID
    from_: Timestamp = strawberry.field(name="from")
    to: Timestamp

    def command(self) -> AnalyseJobs:
        if self.to < self.from_:
            raise ValidationFailed("to", "must not be before from")
        key = configuration_key(self.configuration_id)
        return AnalyseJobs.of(configuration_id=key, from_us=self.from_, to_us=self.to)


def _gateway(value: str) -> str:
    return plain_id(value, "Gateway")

"""What the graph shows of configurations. Built from rows."""

from typing import Any

import orjson
import strawberry
from strawberry.scalars import JSON

from domain.fleet.documents import Difference, differences
from domain.fleet.rows import ConfigurationRow, ReportedRow
from graph.scalars import Timestamp, moment


@strawberry.type(description="A version of what a device should be configured as")
class DeviceConfiguration:
    version: int
    document: JSON
    note: str | None
    author: str
    created_at: Timestamp | None
    details: JSON | None = strawberry.field(description="What its author told with it")


@strawberry.type(description="What a device says it runs on; `error` where it refused the version")
class ReportedConfiguration:
    version: int
    document: JSON
    error: str | None
    reported_at: Timestamp


@strawberry.type(description="`path` is a JSON Pointer; null is what is not there")
class ConfigurationDifference:
    path: str
    before: JSON | None
    after: JSON | None


@strawberry.type(description="What is desired of a device, and what it says it is")
class DeviceConfig:
    desired: DeviceConfiguration
    reported: ReportedConfiguration | None

    @strawberry.field(description="From what it reports to what is desired; empty when in step")
    def diff(self) -> list[ConfigurationDifference]:
        before: Any = {} if self.reported is None else self.reported.document
        return [difference_type(found) for found in differences(before, self.desired.document)]


@strawberry.type(
    description="A version that was set. `changed` are the parts that are otherwise than before, "
    "null for one that is gone"
)
class DeviceConfigStreamItem:
    cursor: str
    device_id: strawberry.ID
    identifier: str
    number: int
    version: int
    author: str
    document: JSON
    changed: JSON
    at: Timestamp


def configuration_type(row: ConfigurationRow) -> DeviceConfiguration:
    return DeviceConfiguration(
        version=row.version,
        document=_json(row.document),
        note=row.note,
        author=row.author,
        created_at=moment(row.at_us or None),
        details=None if row.details is None else _json(row.details),
    )


def device_config(desired: ConfigurationRow, reported: ReportedRow | None) -> DeviceConfig:
    found = None
    if reported is not None:
        found = ReportedConfiguration(
            version=reported.version,
            document=_json(reported.document),
            error=reported.error,
            reported_at=Timestamp(reported.at_us),
        )
    return DeviceConfig(desired=configuration_type(desired), reported=found)


def difference_type(found: Difference) -> ConfigurationDifference:
    return ConfigurationDifference(path=found.path, before=found.before, after=found.after)


def _json(text: str) -> JSON:
    found: Any = orjson.loads(text)
    return JSON(found)

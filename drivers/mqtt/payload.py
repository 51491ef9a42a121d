"""What a gateway publishes: one event, as JSON, in the words of the old system's events.

Unknown members are left alone, so that a gateway may tell more than is kept.
"""

import math
from hashlib import sha256
from typing import Annotated, Any, Final

from pydantic import (
    AfterValidator,
    BaseModel,
    BeforeValidator,
    ConfigDict,
    Field,
    StringConstraints,
    ValidationError,
    ValidatorFunctionWrapHandler,
    WrapValidator,
    model_validator,
)

from domain.gateways.rows import GatewayRow
from domain.gateways.rules import plain_id
from domain.kernel.text import MAX_LENGTH, is_storable
from domain.production.commands import RecordScan, ScanPurpose
from domain.production.models import ScanSource
from domain.production.rows import GatewayRead

MAX_BYTES: Final = 16 * 1024
"""Far more than the longest code with all that is told of it."""
SECONDS_BELOW: Final = 100_000_000_000
"""`created` is in milliseconds, and the old system lists it in seconds: what would be before
March 1973 in milliseconds is taken for seconds."""
LAST_MS: Final = 253_402_300_799_999
MAX_EVENT_ID: Final = 64


def _storable(value: str) -> str:
    if not is_storable(value):
        raise ValueError("it holds what cannot be stored")
    return value


def _plain_number(value: Any) -> Any:
    """93.0 is 93."""
    return int(value) if isinstance(value, float) and value.is_integer() else value


def _or_nothing(value: Any, validate: ValidatorFunctionWrapHandler) -> Any:
    try:
        return validate(value)
    except ValidationError:
        return None


Storable = AfterValidator(_storable)
Told = WrapValidator(_or_nothing)
"""Of what is told beside a scan: an odd value is not kept, and the scan is (scanners say 255 for a
battery that they cannot measure)."""
Word = Annotated[str, StringConstraints(min_length=1, max_length=128), Storable]
Name = Annotated[str, StringConstraints(min_length=1, max_length=MAX_EVENT_ID), Storable]
Measure = Annotated[float, Field(strict=True, ge=-1e9, le=1e9)]
Duration = Annotated[float, Field(strict=True, ge=0, le=1e9)]
Count = Annotated[int, Field(ge=0, le=2**31 - 1, strict=True), BeforeValidator(_plain_number)]
Percent = Annotated[int, Field(ge=0, le=100, strict=True), BeforeValidator(_plain_number)]


class Malformed(Exception):
    """The payload is no event; says in a few words why."""


class GatewayEvent(BaseModel):
    """`scan` is a read. Any other type says only that the gateway is there."""

    model_config = ConfigDict(frozen=True, extra="ignore")

    type: Word = "scan"
    id: Name | None = None
    gateway_id: Word | None = None
    created: Annotated[float, Field(strict=True, ge=0, le=LAST_MS)] | None = None
    scan_code: Annotated[str, StringConstraints(min_length=1, max_length=MAX_LENGTH)] | None = None
    scan_duration: Annotated[Duration | None, Told] = None
    scan_decode_symbology: Annotated[Word | None, Told] = None
    device_id: Annotated[Word | None, Told] = None
    device_battery: Annotated[Percent | None, Told] = None
    device_firmware: Annotated[Word | None, Told] = None
    device_temperature: Annotated[Measure | None, Told] = None
    metrics_worker_steps: Annotated[Count | None, Told] = None

    @model_validator(mode="after")
    def _whole(self) -> "GatewayEvent":
        if self.is_scan and self.scan_code is None:
            raise ValueError("scan_code is missing")
        if self.is_scan and self.id is None and self.created is None:
            raise ValueError("id or created must tell it from another scan of the code")
        return self

    @property
    def is_scan(self) -> bool:
        return self.type == "scan"

    @property
    def occurred_at_us(self) -> int | None:
        """None where the gateway does not say: then it is when it came in."""
        if self.created is None:
            return None
        milliseconds = self.created * (1_000 if self.created < SECONDS_BELOW else 1)
        return math.floor(milliseconds * 1_000)


def event_of(payload: bytes) -> GatewayEvent:
    """Raises Malformed."""
    if len(payload) > MAX_BYTES:
        raise Malformed(f"more than {MAX_BYTES} bytes")
    try:
        return GatewayEvent.model_validate_json(payload)
    except ValidationError as error:
        raise Malformed(_reason(error)) from None


def scan_of(event: GatewayEvent, payload: bytes, gateway: GatewayRow) -> RecordScan:
    """Of an event that is a scan. Without an id of its own it is called by its bytes: delivered
    again they are the same. Raises Malformed where it names another gateway."""
    named = event.gateway_id
    if named is not None and not _is_named(gateway, named):
        raise Malformed("gateway_id is another gateway's")
    return RecordScan(
        code=event.scan_code or "",
        scanned_at_us=event.occurred_at_us,
        source=ScanSource.GATEWAY,
        purpose=ScanPurpose.OBSERVE,
        gateway=GatewayRead(
            gateway_id=gateway.id,
            event_id=event.id or sha256(payload).hexdigest(),
            usecase=gateway.usecase,
            station=gateway.station,
            symbology=event.scan_decode_symbology,
            duration_s=event.scan_duration,
            device_id=event.device_id,
            device_battery=event.device_battery,
            device_firmware=event.device_firmware,
            device_temperature=event.device_temperature,
            worker_steps=event.metrics_worker_steps,
        ),
    )


def _is_named(gateway: GatewayRow, name: str) -> bool:
    names = (gateway.thing_name, gateway.name, gateway.serial)
    return plain_id(name) == gateway.id or name in names


def _reason(error: ValidationError) -> str:
    first: Any = error.errors(include_url=False, include_input=False)[0]
    field = ".".join(map(str, first["loc"]))
    said: str = first["msg"].removeprefix("Value error, ")
    return f"{field}: {said}" if field else said

"""What can be asked of gateways. `gateway` is a UUID, a thing name or a serial, `scanner` a UUID or
a serial; times in microseconds."""

from dataclasses import dataclass
from typing import Annotated, Any, Final

from pydantic import Field, StringConstraints, model_validator

from domain.gateways.models import Connectivity, GatewayType, ScannerStatus
from domain.kernel.commands import Command
from domain.kernel.filters import Filter

MAX_AT_ONCE: Final = 500
MAX_PACKAGES: Final = 100
"""All of a request are one transaction, and each is some statements."""
_PRINTABLE: Final = r"^[^\x00-\x1f\x7f]+$"
Label = Annotated[str, StringConstraints(min_length=1, max_length=128, pattern=_PRINTABLE)]
Word = Annotated[str, StringConstraints(min_length=1, max_length=128, pattern=r"^[!-~]+$")]
Secret = Annotated[str, StringConstraints(min_length=1, max_length=256, pattern=r"^[^\x00]+$")]
Battery = Annotated[int, Field(ge=0, le=100)]


class CreateGateway(Command):
    name: Label
    usecase: Label
    station: Label
    serial: Word | None = None
    type: GatewayType = GatewayType.STATIONARY
    model: Label | None = None
    manufacturer: Label | None = None
    firmware: Label | None = None


class UpdateGateway(Command):
    """Only what is given changes; null empties what may be empty. With `version` it is refused
    where somebody else was first."""

    gateway: str
    name: Label | None = None
    usecase: Label | None = None
    station: Label | None = None
    serial: Word | None = None
    type: GatewayType | None = None
    model: Label | None = None
    manufacturer: Label | None = None
    firmware: Label | None = None
    version: int | None = None

    def changes(self) -> dict[str, Any]:
        given = self.model_dump(exclude_unset=True, exclude={"gateway", "version"})
        required = ("name", "usecase", "station", "type")
        return {k: v for k, v in given.items() if v is not None or k not in required}


class ProvisionGateway(Command):
    """By whoever shows the one-time token; a text that is none is as good as a wrong one.
    `password` encrypts the bundle."""

    token: str
    password: Secret | None = None


class PackageTarget(Command):
    """One gateway, by its id or by its displayed name."""

    gateway: str | None = None
    name: str | None = None

    @model_validator(mode="after")
    def _one_of_them(self) -> "PackageTarget":
        if (self.gateway is None) == (self.name is None):
            raise ValueError("give either the gateway's id or its name")
        return self


class Wifi(Command):
    ssid: Annotated[str, StringConstraints(max_length=64, pattern=r"^[^\x00]*$")] | None = None
    password: Annotated[str, StringConstraints(max_length=128, pattern=r"^[^\x00]*$")] | None = None
    authentication_type: (
        Annotated[str, StringConstraints(max_length=64, pattern=r"^[^\x00]*$")] | None
    ) = None


class CreatePackages(Command):
    targets: Annotated[tuple[PackageTarget, ...], Field(min_length=1, max_length=MAX_PACKAGES)]
    wifi: Wifi | None = None


class UpdateScanner(Command):
    scanner: str
    status: ScannerStatus


class ScannerReport(Command):
    """What a scan told of the scanner that made it. What is left out stays."""

    serial: Word
    gateway_id: str
    at_us: int
    battery: Battery | None = None
    firmware: Label | None = None
    model: Label | None = None
    manufacturer: Label | None = None

    def told(self) -> dict[str, Any]:
        return self.model_dump(exclude_none=True, exclude={"serial", "at_us"})


@dataclass(frozen=True, slots=True)
class GatewayFilter(Filter):
    """Every part that is set must hold."""

    connectivity: Connectivity | None = None
    usecase: str | None = None
    station: str | None = None
    type: GatewayType | None = None
    name: str | None = None


@dataclass(frozen=True, slots=True)
class ScannerFilter(Filter):
    """`gateway_id` is a plain id."""

    status: ScannerStatus | None = None
    gateway_id: str | None = None

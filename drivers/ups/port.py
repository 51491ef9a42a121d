"""The port of a UPS: its settings, what it tells, and the contract of every protocol."""

import re
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass
from enum import StrEnum
from typing import Annotated, Any, Final, Protocol, Self

from pydantic import (
    AfterValidator,
    Field,
    SecretStr,
    ValidationInfo,
    field_validator,
)

from drivers.configuration import DeviceModel, Host, validated
from drivers.link import Driver


class UpsProtocol(StrEnum):
    """NUT: a Network UPS Tools server. SNMP: a UPS's network card, by UPS-MIB (RFC 1628)."""

    NUT = "NUT"
    SNMP = "SNMP"


DEFAULT_PORTS: Final[Mapping[UpsProtocol, int]] = {UpsProtocol.NUT: 3493, UpsProtocol.SNMP: 161}


class SnmpVersion(StrEnum):
    V2C = "2c"
    V3 = "3"


class SnmpAuth(StrEnum):
    MD5 = "MD5"
    SHA = "SHA"
    SHA256 = "SHA256"
    SHA512 = "SHA512"


class SnmpPrivacy(StrEnum):
    DES = "DES"
    AES = "AES"
    AES256 = "AES256"


_PRINTABLE = re.compile(r"[ -~]{1,128}")


def _on_one_line(secret: SecretStr) -> SecretStr:
    """A line break within would become a command of its own."""
    if not _PRINTABLE.fullmatch(secret.get_secret_value()):
        raise ValueError("1 to 128 printable ASCII characters")
    return secret


OneLine = Annotated[str, Field(pattern=r"^[ -~]{1,128}$")]
OneLineSecret = Annotated[SecretStr, AfterValidator(_on_one_line)]


def _long_enough(secret: SecretStr | None) -> SecretStr | None:
    """RFC 3414 §11.2."""
    if secret is not None and len(secret.get_secret_value()) < 8:
        raise ValueError("at least 8 characters")
    return secret


SnmpKey = Annotated[OneLineSecret | None, AfterValidator(_long_enough)]


class SnmpSettings(DeviceModel):
    """The communities are of version 2c (`write_community`, for the self-test, is `community`
    where left out); user, authentication and privacy are of version 3, where an absent key means
    no authentication or no privacy."""

    version: SnmpVersion = SnmpVersion.V2C
    community: OneLineSecret = SecretStr("public")
    write_community: OneLineSecret | None = None
    context: Annotated[str, Field(pattern=r"^[ -~]{0,32}$")] = ""
    auth_protocol: SnmpAuth = SnmpAuth.SHA
    auth_key: SnmpKey = None
    privacy_protocol: SnmpPrivacy = SnmpPrivacy.AES
    privacy_key: SnmpKey = None
    username: Annotated[str | None, Field(pattern=r"^[ -~]{1,32}$", validate_default=True)] = None

    @field_validator("username")
    @classmethod
    def _version_3_has_users(cls, value: str | None, info: ValidationInfo) -> str | None:
        if value is None and info.data.get("version") is SnmpVersion.V3:
            raise ValueError("needed by SNMP version 3")
        return value

    @field_validator("privacy_key")
    @classmethod
    def _privacy_needs_authentication(
        cls, value: SecretStr | None, info: ValidationInfo
    ) -> SecretStr | None:
        if value is not None and info.data.get("auth_key") is None:
            raise ValueError("SNMP has no privacy without authentication: auth_key is missing")
        return value


class UpsConfig(DeviceModel):
    """The cabinet's UPS. `ups` is its name at the NUT server; `username` and `password` are of
    that server, needed for the self-test only. `port` left out is the protocol's own.

    `low_battery_percent`: a charge at or below it counts as low, whatever the UPS itself says.
    `shutdown_after_on_battery_s`: how long on battery until an orderly flush is due; None is at
    a low battery only. `test_wait_s`: how long `test` waits for the self-test's end.
    """

    name: str = Field(default="UPS", min_length=1, max_length=64)
    protocol: UpsProtocol = UpsProtocol.NUT
    host: Host
    port: int | None = Field(default=None, ge=1, le=65535)
    ups: str = Field(default="ups", pattern=r"^[A-Za-z0-9._-]{1,64}$")
    username: OneLine | None = None
    password: OneLineSecret | None = None
    snmp: SnmpSettings = SnmpSettings()
    poll_interval_s: float = Field(default=2.0, ge=0.05, le=60)
    timeout_s: float = Field(default=3.0, ge=0.05, le=30)
    low_battery_percent: int = Field(default=20, ge=1, le=99)
    shutdown_after_on_battery_s: float | None = Field(default=None, ge=0, le=86400)
    test_wait_s: float = Field(default=10.0, ge=0, le=60)

    @field_validator("password")
    @classmethod
    def _password_has_user(cls, value: SecretStr | None, info: ValidationInfo) -> SecretStr | None:
        if value is not None and info.data.get("username") is None:
            raise ValueError("there is no username to it")
        return value

    @property
    def key(self) -> str:
        """An edge has one UPS."""
        return "ups"

    @property
    def peer_port(self) -> int:
        return DEFAULT_PORTS[self.protocol] if self.port is None else self.port

    @property
    def address(self) -> str:
        return f"{self.host}:{self.peer_port}"

    @classmethod
    def parse(cls, data: Mapping[str, Any], *, path: str = "ups") -> Self:
        """Raises ValidationFailed that names the field, as in `ups.port`."""
        return validated(cls, data, path=path)


class UpsFlag(StrEnum):
    """What a UPS says of itself, whatever the protocol's own words."""

    ON_LINE = "ON_LINE"
    ON_BATTERY = "ON_BATTERY"
    LOW_BATTERY = "LOW_BATTERY"
    REPLACE_BATTERY = "REPLACE_BATTERY"
    CHARGING = "CHARGING"
    DISCHARGING = "DISCHARGING"
    BYPASS = "BYPASS"
    CALIBRATING = "CALIBRATING"
    OFF = "OFF"
    OVERLOAD = "OVERLOAD"
    TRIM = "TRIM"
    BOOST = "BOOST"
    FORCED_SHUTDOWN = "FORCED_SHUTDOWN"
    ALARM = "ALARM"
    TEST = "TEST"


class SelfTestOutcome(StrEnum):
    """RUNNING: started, and no end seen yet. UNSUPPORTED: this UPS offers none. REFUSED: the UPS
    or its server did not start it. UNKNOWN: ended in words that we do not know."""

    RUNNING = "RUNNING"
    PASSED = "PASSED"
    WARNING = "WARNING"
    FAILED = "FAILED"
    ABORTED = "ABORTED"
    UNSUPPORTED = "UNSUPPORTED"
    REFUSED = "REFUSED"
    UNKNOWN = "UNKNOWN"


@dataclass(frozen=True, slots=True)
class SelfTest:
    """`detail` is in the words of the UPS or its server, fit for people."""

    outcome: SelfTestOutcome
    detail: str


@dataclass(frozen=True, slots=True)
class UpsReading:
    """One look at the UPS. None is what it does not tell. `status` is its own wording.

    `low_battery` is what the UPS says or what `low_battery_percent` makes of the charge. A forced
    shutdown (the outlets are about to be switched off) counts as on battery and low.
    `simulated`: `simulate` overlays the charge or the mains.
    """

    at_us: int
    on_battery: bool
    low_battery: bool
    battery_percent: float | None = None
    runtime_s: int | None = None
    input_voltage: float | None = None
    load_percent: float | None = None
    flags: tuple[UpsFlag, ...] = ()
    status: str = ""
    model: str | None = None
    last_test: SelfTest | None = None
    simulated: bool = False


# Told after each poll, and at once when `simulate` changes what holds; one at a time, in order.
OnUpsReading = Callable[[UpsReading], Awaitable[None]]


class UpsPort(Driver, Protocol):
    """A supervised driver that polls its UPS and hands each reading to its OnUpsReading.

    It counts `polls`, `told`, `refused` (readings whose handling failed) and `tests`.
    """

    @property
    def config(self) -> UpsConfig: ...

    @property
    def reading(self) -> UpsReading | None:
        """The latest, with what is simulated; None until the UPS has answered once."""

    async def test(self) -> SelfTest:
        """Starts a battery self-test and waits for its end, `test_wait_s` at most. Raises
        UpstreamFailed where the UPS does not answer, Conflict where one is already asked for."""

    async def simulate(
        self, *, on_battery: bool | None = None, battery_percent: float | None = None
    ) -> UpsReading:
        """Overlays what is given on what the UPS tells, until `release_simulation` or until the
        UPS really goes on battery: nothing simulated may hide an outage. Raises Unavailable
        before the first reading, Conflict while really on battery."""

    async def release_simulation(self) -> UpsReading | None:
        """What the UPS really told last; does nothing where nothing is simulated."""

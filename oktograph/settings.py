"""Settings: environment variables `OKTOGRAPH_…`, a `.env`, and what the command line says."""

import json
from collections.abc import Iterator
from contextlib import contextmanager
from enum import StrEnum
from pathlib import Path
from typing import Annotated, Any, Literal
from urllib.parse import urlsplit
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from pydantic import Field, SecretStr, ValidationInfo, field_validator
from pydantic_settings import BaseSettings, NoDecode, SettingsConfigDict
from sqlalchemy.exc import ArgumentError

from domain.kernel.database import async_url
from domain.kernel.errors import DomainError
from domain.line.models import BATCH_ACCOUNTING, HardwareKind
from domain.production.codes import ProfileCatalogue
from drivers.artifacts.signatures import TrustedKeys
from drivers.mqtt.endpoint import Endpoint, endpoint_of
from drivers.mqtt.topics import PREFIX
from drivers.scanners.port import parse_scanners
from drivers.upstream.requests import checked_base_url

DEMO_CLOUD_PORT = 8090
DEMO_CONSOLE_PORT = 8091
BROKERS = ("memory", "redis", "rediss", "postgres", "postgresql")
COUNTERS = ("memory", "redis", "rediss")
LOCAL = ("127.0.0.1", "::1", "0.0.0.0", "::")  # noqa: S104 - names, to compare with
LOG_LEVELS = ("DEBUG", "INFO", "WARNING", "ERROR", "CRITICAL")


class Place(StrEnum):
    """What has a database of its own."""

    EDGE = "edge"
    FACTORY = "factory"


@contextmanager
def _as_value_error() -> Iterator[None]:
    """pydantic adds the name of the setting to a ValueError only."""
    try:
        yield
    except DomainError as error:
        raise ValueError(error.message) from error


class Settings(BaseSettings):
    """Each is documented by `oktograph serve --help` or the README."""

    model_config = SettingsConfigDict(
        env_prefix="OKTOGRAPH_", env_file=".env", env_ignore_empty=True, extra="ignore", frozen=True
    )

    host: str = "127.0.0.1"
    edge_port: int = Field(8080, ge=0, le=65535)
    factory_port: int = Field(8081, ge=0, le=65535)
    data_dir: Path = Path("data")
    keys_dir: Path | None = None
    """The keys that sign tokens and seal secrets, by default a folder of the data directory; the
    machines of one factory share one."""
    demo: bool = False
    demo_rate: float = Field(5.0, ge=0, le=1000)

    edge_database_url: str = ""
    factory_database_url: str = ""
    broadcast_url: str = "memory://"
    cloud_url: str = ""
    edge_identifier: str = "edge-001"
    code_profiles: Annotated[list[dict[str, Any]], NoDecode] = []
    industry: str = "milk"
    time_zone: str = "UTC"
    """The site's, by its IANA name: when its day begins."""
    gs1_company_prefix: str = Field("2000000", pattern=r"^[0-9]{4,12}$")
    pack_size: int = Field(0, ge=0, le=10_000)
    pallet_size: int = Field(10, ge=1, le=1_000)
    scanners: Annotated[list[dict[str, Any]], NoDecode] = []
    """The line's hardware, each as JSON (docs/drivers.md); what people at the line or its factory
    configure later wins."""
    printers: Annotated[list[dict[str, Any]], NoDecode] = []
    plcs: Annotated[list[dict[str, Any]], NoDecode] = []
    plc_bindings: Annotated[list[dict[str, Any]], NoDecode] = []
    lines: Annotated[list[dict[str, Any]], NoDecode] = []
    ups: Annotated[dict[str, Any] | None, NoDecode] = None
    gpio: Annotated[dict[str, Any] | None, NoDecode] = None
    hardware_off: Annotated[list[str], NoDecode] = []
    """Kinds that this installation goes without, comma separated: their routes answer 503."""
    mock: bool | None = None

    factory_url: str = ""
    """Where an edge finds its factory; with `--role all` the one beside it."""
    edge_token: SecretStr | None = None
    """The device token of this edge at its factory; `edge_token_file` holds one instead."""
    edge_token_file: Path | None = None
    edge_allow_shell: bool = False
    telemetry_interval_s: float = Field(60.0, ge=1, le=86_400)
    host_control: Annotated[list[str], NoDecode] = []
    """The program that restarts, reboots and shuts down; without one that is only journalled."""
    update_install: Annotated[list[str], NoDecode] = []
    update_rollback: Annotated[list[str], NoDecode] = []
    update_restart_code: int | None = Field(None, ge=1, le=255)
    update_timeout_s: float = Field(600.0, gt=0)

    token_lifetime_h: float = Field(12.0, gt=0, le=24 * 31)
    public_url: str = ""
    """Where the factory is reached from outside, without a path: the issuer of its OAuth tokens.
    By default whatever address a client has called."""
    customer_alias: str = Field("", max_length=128)
    """What people know the installation's customer by before they log in; `demo` in the demo."""
    access_token_lifetime_s: int = Field(3_600, ge=60, le=86_400)
    """Of what the token endpoint issues."""
    refresh_token_lifetime_days: float = Field(30.0, gt=0, le=366)
    """From the last refresh on."""
    rate_limits: bool = True
    throttle_url: str = ""
    """Where attempts are counted: `memory://`, `redis://…`; by default the broker, where that is
    Redis, so that all processes count together."""
    log_level: str = "INFO"
    log_format: str = Field("auto", pattern="^(auto|console|json)$")
    max_body_bytes: int = Field(4 * 1024 * 1024, ge=1024)
    sync_interval_s: float = Field(30.0, gt=0)

    # How long what grows is kept (docs/retention.md); days, where 0 keeps it for ever.
    log_retention_h: float = Field(72.0, gt=0)
    """Of the event log, in hours: how far back streams resume."""
    queue_retention_days: float = Field(30.0, ge=0)
    """Of changes that wait in a queue which nothing is set up to empty: neither cloud nor factory.
    Where there is a way upstream they wait without end."""
    scan_retention_days: float = Field(365.0, ge=0)
    """Of single reads. What they made (bottles, batches, pallets and their history) and all totals
    stay."""
    export_retention_days: float = Field(30.0, ge=0)
    """Of exports of scans, as far as it is known that there were any."""
    export_file_retention_h: float = Field(24.0, ge=0)
    """Of the files that they made, in hours."""
    command_retention_days: float = Field(90.0, ge=0)
    """Of ended commands to devices, and of bulks of them."""
    device_status_retention_days: float = Field(365.0, ge=0)
    device_log_retention_days: float = Field(14.0, ge=0)
    telemetry_retention_days: float = Field(30.0, ge=0)
    update_retention_days: float = Field(365.0, ge=0)
    """Of the steps that devices reported on their way through a rollout that is over."""
    journal_retention_days: float = Field(365.0, ge=0)
    """Of the journal, and of what edges delivered and could not be stored."""
    audit_retention_days: float = Field(0.0, ge=0)
    """Of the audit, by default for ever. What is left verifies."""
    grant_retention_days: float = Field(30.0, ge=0)
    """Of OAuth grants, refresh tokens and revoked access tokens, from when they expired."""

    graphql_introspection: bool = True
    graphql_ide: bool = True
    graphql_trusted_only: bool = False
    allowed_origins: Annotated[list[str], NoDecode] = []

    heartbeat_s: float = Field(10.0, gt=0)
    """How often a device says to its factory that it lives; three missed and it is offline."""
    artifact_url: str = ""
    """Where a factory keeps firmware and other files: an S3-compatible bucket,
    `s3://bucket/prefix`; by default a folder of the data directory."""
    artifact_endpoint: str = ""
    """Of a store that is not Amazon's; the keys to it come from `AWS_ACCESS_KEY_ID` and
    `AWS_SECRET_ACCESS_KEY`."""
    max_artifact_bytes: int = Field(2 * 1024**3, ge=1)
    max_config_file_bytes: int = Field(16 * 1024**2, ge=1)
    """Of a file that devices are configured by; it lies where firmware lies."""
    require_signature: bool = False
    file_link_lifetime_s: int = Field(900, ge=1, le=7 * 86_400)
    """Of links to software files, which need no token."""
    trusted_keys: Annotated[dict[str, str], NoDecode] = {}
    """Ed25519 public keys that sign firmware: `{"key id": "base64 of 32 bytes"}`. An edge with any
    installs only what they signed."""

    mqtt: Literal["off", "bundled"] = "off"
    """Whether the factory runs a broker of its own for its gateways (docs/gateways.md)."""
    mqtt_url: str = ""
    """Somebody else's broker, `mqtts://host:8883`: of several machines of a factory, one has it."""
    mqtt_files: Path | None = None
    """A folder in which the factory keeps what a Mosquitto of one's own needs: its configuration,
    certificates and list of gateways. Called the same where that runs."""
    mqtt_port: int = Field(8883, ge=0, le=65535)
    """Of the bundled broker; 0 takes a free one."""
    mqtt_public_url: str = ""
    """Where gateways are told to find the broker, by default where it is for us."""
    mqtt_topic_prefix: str = Field("insight", pattern=rf"^{PREFIX.pattern}$")
    """Gateways publish to `{prefix}/gateway/{id or thing name}`."""
    supervised: bool = False
    """Whether what started this process starts it again when it ends: systemd with `Restart=`,
    Docker with a restart policy, Kubernetes. Only then can it be told to restart; workers of one
    factory are started again by the process that started them, whatever this says."""
    backups_dir: Path | None = None
    """Where backups are made and kept, by default a folder of the data directory; the machines of
    one factory share one."""
    backups_kept: int = Field(5, ge=1, le=1_000)
    """Of those that GraphQL makes; another one takes the place of the oldest."""
    backup_timeout_s: float = Field(3_600.0, gt=0)
    pg_dump: str = Field("pg_dump", min_length=1)
    """The program that copies PostgreSQL; as new as the server, or newer."""

    bootstrap_password: SecretStr | None = Field(None, min_length=8)
    """Of the administrator that the first start makes, so that an automated installation need not
    read it off a terminal; later starts ignore it."""

    drain_timeout_s: float = Field(30.0, gt=0)
    """A socket that takes nothing for so long is given up."""
    request_timeout_s: float = Field(60.0, gt=0)
    """From the first byte of a request to its last; a large body may take longer as long as it
    comes in at 64 kB a second."""

    @field_validator(
        *("scanners", "printers", "plcs", "plc_bindings", "lines", "ups", "gpio"),
        *("code_profiles", "host_control"),
        *("update_install", "update_rollback", "trusted_keys"),
        mode="before",
    )
    @classmethod
    def _json_text(cls, value: Any) -> Any:
        return json.loads(value) if isinstance(value, str) else value

    @field_validator("artifact_url")
    @classmethod
    def _known_store(cls, value: str) -> str:
        return _of_scheme(value, ("s3",)) if value else value

    @field_validator("trusted_keys")
    @classmethod
    def _known_keys(cls, value: dict[str, str]) -> dict[str, str]:
        TrustedKeys.from_text(value)
        return value

    @field_validator("allowed_origins", "hardware_off", mode="before")
    @classmethod
    def _comma_list(cls, value: Any) -> Any:
        return [part for part in value.split(",") if part] if isinstance(value, str) else value

    @field_validator("edge_database_url", "factory_database_url")
    @classmethod
    def _known_database(cls, value: str) -> str:
        try:
            if value:
                async_url(value)
        except ArgumentError as error:
            raise ValueError("not the URL of a database") from error
        return value

    @field_validator("factory_url")
    @classmethod
    def _known_factory(cls, value: str) -> str:
        with _as_value_error():
            return checked_base_url(value).rstrip("/") if value else value

    @field_validator("public_url")
    @classmethod
    def _known_issuer(cls, value: str) -> str:
        with _as_value_error():
            found = checked_base_url(value).rstrip("/") if value else value
        if urlsplit(found).path:
            raise ValueError("must have no path")
        return found

    @field_validator("mqtt_url", "mqtt_public_url")
    @classmethod
    def _known_mqtt(cls, value: str) -> str:
        with _as_value_error():
            if value:
                endpoint_of(value)
        return value

    @field_validator("broadcast_url")
    @classmethod
    def _known_broker(cls, value: str) -> str:
        return _of_scheme(value, BROKERS)

    @field_validator("throttle_url")
    @classmethod
    def _known_counters(cls, value: str) -> str:
        return _of_scheme(value, COUNTERS) if value else value

    @field_validator("log_level")
    @classmethod
    def _known_level(cls, value: str) -> str:
        if value.upper() not in LOG_LEVELS:
            raise ValueError(f"must be one of {', '.join(LOG_LEVELS)}")
        return value.upper()

    @field_validator("hardware_off")
    @classmethod
    def _known_kinds(cls, value: list[str]) -> list[str]:
        known = [*HardwareKind, BATCH_ACCOUNTING]
        if unknown := [one for one in value if one not in known]:
            raise ValueError(f"{unknown[0]} is none of {', '.join(known)}")
        return value

    @field_validator("scanners")
    @classmethod
    def _known_scanners(cls, value: list[dict[str, Any]]) -> list[dict[str, Any]]:
        with _as_value_error():
            parse_scanners(value)
        return value

    @field_validator("time_zone")
    @classmethod
    def _known_zone(cls, value: str) -> str:
        try:
            ZoneInfo(value)
        except (ZoneInfoNotFoundError, ValueError) as error:
            raise ValueError("not the name of a time zone, such as Europe/Berlin") from error
        return value

    @field_validator("industry")
    @classmethod
    def _known_industry(cls, value: str, info: ValidationInfo) -> str:
        with _as_value_error():
            ProfileCatalogue().with_user_profiles(info.data.get("code_profiles", [])).matcher(value)
        return value

    @property
    def mock_mode(self) -> bool:
        return self.demo if self.mock is None else self.mock

    @property
    def alias(self) -> str:
        return self.customer_alias or ("demo" if self.demo else "")

    @property
    def mqtt_wanted(self) -> bool:
        """Whether gateways' scans are taken here."""
        return self.mqtt == "bundled" or bool(self.mqtt_url)

    @property
    def mqtt_endpoint(self) -> str:
        """As gateways are told, without what lets us in."""
        if self.mqtt_public_url or (self.mqtt_url and self.mqtt == "off"):
            return endpoint_of(self.mqtt_public_url or self.mqtt_url).public
        host = "localhost" if self.host in LOCAL else self.host
        return Endpoint(host, self.mqtt_port, tls=True).public

    @property
    def keys(self) -> Path:
        return self.keys_dir or self.data_dir / "keys"

    @property
    def backups(self) -> Path:
        return self.backups_dir or self.data_dir / "backups"

    @property
    def counters_url(self) -> str:
        broker = urlsplit(self.broadcast_url).scheme
        return self.throttle_url or (self.broadcast_url if broker in COUNTERS else "memory://")

    def database_of(self, place: Place) -> str:
        return self.database_url if place is Place.EDGE else self.factory_database

    @property
    def factory_database(self) -> str:
        return self.factory_database_url or f"sqlite:///{self.data_dir.absolute()}/factory.db"

    @property
    def database_url(self) -> str:
        return self.edge_database_url or f"sqlite:///{self.data_dir.absolute()}/edge.db"


def _of_scheme(url: str, known: tuple[str, ...]) -> str:
    if urlsplit(url).scheme not in known:
        raise ValueError(f"must begin with one of {', '.join(f'{one}://' for one in known)}")
    return url

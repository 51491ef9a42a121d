"""The driver of a UPS by its protocol; a protocol's library is loaded only where it is used."""

from collections.abc import Mapping
from functools import partial
from importlib.util import find_spec
from typing import Any

from domain.kernel.clock import Clock, SystemClock
from domain.kernel.errors import ValidationFailed
from drivers.ups.polled import PolledUps, UpsSource
from drivers.ups.port import OnUpsReading, UpsConfig, UpsPort, UpsProtocol

SNMP_EXTRA = "oktograph[snmp]"


def parse_ups(data: Mapping[str, Any], *, path: str = "ups") -> UpsConfig:
    """Raises ValidationFailed that names the field, and `ups.protocol` where this installation
    cannot speak it."""
    config = UpsConfig.parse(data, path=path)
    _require_library(config, f"{path}.protocol" if path else "protocol")
    return config


def ups_driver(config: UpsConfig, on_reading: OnUpsReading, clock: Clock | None = None) -> UpsPort:
    """Touches no socket yet. Raises ValidationFailed as `parse_ups` does."""
    _require_library(config, "ups.protocol")
    clock = clock or SystemClock()
    return PolledUps(config, partial(_source, config, clock), on_reading, clock)


def _source(config: UpsConfig, clock: Clock) -> UpsSource:
    if config.protocol is UpsProtocol.SNMP:
        from drivers.ups.snmp import SnmpSource

        return SnmpSource(config, clock)
    from drivers.ups.nut import NutSource

    return NutSource(config, clock)


def _require_library(config: UpsConfig, field: str) -> None:
    if config.protocol is UpsProtocol.SNMP and find_spec("pysnmp") is None:
        raise ValidationFailed(field, f"SNMP needs the package pysnmp: install {SNMP_EXTRA}")

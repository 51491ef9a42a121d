"""What the line's hardware is configured as: every kind parsed, and all of them held together."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final

from domain.kernel.errors import ValidationFailed
from domain.line.models import HardwareKind
from domain.line.plan import LinePlan
from drivers.configuration import validated
from drivers.exclusive import refuse_shared
from drivers.gpio.port import GpioConfig
from drivers.plcs.port import PlcConfig, parse_bindings, parse_plcs, plc_claims
from drivers.plcs.tags import TagBinding
from drivers.printers.port import AnyPrinterConfig, parse_printers
from drivers.registry import DeviceKind, factory_for
from drivers.scanners.port import ScannerConfig, parse_scanners, scanner_claims
from drivers.ups.factory import parse_ups
from drivers.ups.port import UpsConfig

MAX_LINES: Final = 10
Documents = Mapping[HardwareKind, Any]


@dataclass(frozen=True, slots=True)
class Hardware:
    scanners: tuple[ScannerConfig, ...] = ()
    printers: tuple[AnyPrinterConfig, ...] = ()
    plcs: tuple[PlcConfig, ...] = ()
    plc_bindings: tuple[TagBinding, ...] = ()
    ups: UpsConfig | None = None
    gpio: GpioConfig | None = None
    lines: tuple[LinePlan, ...] = ()

    def of(self, kind: HardwareKind) -> Any:
        return getattr(self, ATTRIBUTES[kind])


ATTRIBUTES: Final[Mapping[HardwareKind, str]] = {
    HardwareKind.SCANNERS: "scanners",
    HardwareKind.PRINTERS: "printers",
    HardwareKind.PLCS: "plcs",
    HardwareKind.PLC_BINDINGS: "plc_bindings",
    HardwareKind.UPS: "ups",
    HardwareKind.GPIO: "gpio",
    HardwareKind.LINES: "lines",
}


def parse_hardware(documents: Documents) -> Hardware:
    """The first thing that is wrong, alone or beside the others, as ValidationFailed with a field
    such as `lines.0.stations.1.reject.tag`."""
    plcs = parse_plcs(_list(documents, HardwareKind.PLCS))
    found = Hardware(
        scanners=parse_scanners(_list(documents, HardwareKind.SCANNERS)),
        printers=parse_printers(_list(documents, HardwareKind.PRINTERS)),
        plcs=plcs,
        plc_bindings=parse_bindings(_list(documents, HardwareKind.PLC_BINDINGS), plcs),
        ups=parse_ups(ups) if (ups := documents.get(HardwareKind.UPS)) else None,
        gpio=GpioConfig.parse(gpio) if (gpio := documents.get(HardwareKind.GPIO)) else None,
        lines=parse_lines(_list(documents, HardwareKind.LINES)),
    )
    refuse_shared([*scanner_claims(found.scanners), *plc_claims(found.plcs)])
    _check_drivers(found)
    for at, plan in enumerate(found.lines):
        _check_plan(f"lines.{at}", plan, found)
    return found


def _check_drivers(found: Hardware) -> None:
    """That each has a driver here."""
    for at, scanner in enumerate(found.scanners):
        factory_for(DeviceKind.SCANNER, scanner.transport, field=f"scanners.{at}.transport")
    for at, plc in enumerate(found.plcs):
        factory_for(DeviceKind.PLC, plc.protocol, field=f"plcs.{at}.protocol")


def parse_lines(items: Iterable[Mapping[str, Any]]) -> tuple[LinePlan, ...]:
    plans = tuple(validated(LinePlan, item, path=f"lines.{at}") for at, item in enumerate(items))
    if len(plans) > MAX_LINES:
        raise ValidationFailed("lines", f"at most {MAX_LINES}")
    ids = [plan.id for plan in plans]
    for at, line_id in enumerate(ids):
        if line_id in ids[:at]:
            raise ValidationFailed(f"lines.{at}.id", f"{line_id} is used twice")
    return plans


def _list(documents: Documents, kind: HardwareKind) -> Sequence[Mapping[str, Any]]:
    return documents.get(kind) or ()


def _check_plan(path: str, plan: LinePlan, found: Hardware) -> None:
    """What a plan names must be there."""
    writable = {one.name for one in found.plc_bindings if one.writable}
    readable = {one.name for one in found.plc_bindings if one.readable}
    scanners = {one.index for one in found.scanners if one.line_id == plan.id}
    for at, station in enumerate(plan.stations):
        where = f"{path}.stations.{at}"
        _require(station.scanner in scanners, f"{where}.scanner", "no such scanner on this line")
        feedback = station.reject.feedback if station.reject else None
        if feedback is not None and feedback.tag is not None:
            there = feedback.tag in readable
            _require(there, f"{where}.reject.feedback.tag", "no tag that is read has this name")
    printers = {one.index for one in found.printers}
    for place, order in plan.prints():
        there = order.printer in printers
        _require(there, f"{path}.{place}.printer", "no such printer")
    pressed = {one.name for one in found.gpio.buttons} if found.gpio else set()
    for name, button in plan.buttons.model_dump().items():
        there = button is None or button in pressed
        _require(there, f"{path}.buttons.{name}", "no such button on the panel")
    for place, output in plan.outputs():
        _require(output.tag in writable, f"{path}.{place}.tag", "no tag to write has this name")
        if output.encoder is not None:
            there = output.encoder in readable
            _require(there, f"{path}.{place}.encoder", "no tag that is read has this name")


def _require(holds: bool, field: str, reason: str) -> None:
    if not holds:
        raise ValidationFailed(field, reason)


def located(error: ValidationFailed, found: Hardware) -> ValidationFailed:
    """A driver knows its device by name (`bindings.reject.address`); whoever sent the configuration
    knows it by its place in a list."""
    kind, _, rest = str(error.details["field"]).partition(".")
    names = {
        "plcs": [one.id for one in found.plcs],
        "bindings": [one.name for one in found.plc_bindings],
    }.get(kind, [])
    for at, name in enumerate(names):
        if rest == name or rest.startswith(f"{name}."):
            field = f"{kind}.{at}{rest.removeprefix(name)}"
            return ValidationFailed(field, str(error.details["reason"]))
    return error

"""What runs, as the rest of the house asks for it. Pure."""

from domain.line.ports import (
    ButtonStatus,
    GpioStatus,
    LedStatus,
    LinkStatus,
    PlcStatus,
    PrinterStatus,
    ScannerStatus,
    TagReading,
    UpsStatus,
)
from domain.line.power import PowerState
from drivers.gpio.port import GpioPort
from drivers.link import LinkSnapshot, LinkState
from drivers.plcs.port import PlcConfig
from drivers.plcs.tags import Quality, TagBinding, TagValue
from drivers.printers.port import PrinterPort
from drivers.scanners.port import ScannerConfig
from drivers.ups.port import UpsPort


def link_status(snapshot: LinkSnapshot) -> LinkStatus:
    return LinkStatus(
        state=str(snapshot.state),
        connected=snapshot.state is LinkState.CONNECTED,
        since_us=snapshot.since_us,
        peer=snapshot.peer,
        last_error=snapshot.last_error,
        attempts=snapshot.attempts,
        counters=snapshot.counters,
    )


def scanner_status(config: ScannerConfig, snapshot: LinkSnapshot) -> ScannerStatus:
    return ScannerStatus(
        key=config.key,
        index=config.index,
        name=config.name,
        line_id=config.line_id,
        transport=str(config.transport),
        model=str(config.model),
        role=str(config.role),
        address=config.address,
        state=str(snapshot.state),
        connected=snapshot.state is LinkState.CONNECTED,
        since_us=snapshot.since_us,
        last_error=snapshot.last_error,
        read_count=snapshot.readings,
        last_read_at_us=snapshot.last_reading_at_us,
    )


def tag_reading(binding: TagBinding, value: TagValue | None) -> TagReading:
    return TagReading(
        name=binding.name,
        plc_id=binding.plc,
        address=binding.address,
        type=str(binding.type),
        unit=binding.unit,
        writable=binding.writable,
        value=None if value is None else value.value,
        quality=str(Quality.BAD if value is None else value.quality),
        at_us=None if value is None else value.at_us,
    )


def plc_status(config: PlcConfig, snapshot: LinkSnapshot, tags: int) -> PlcStatus:
    return PlcStatus(
        key=config.key,
        id=config.id,
        name=config.name or config.id,
        protocol=str(config.protocol),
        line_id=config.line_id,
        address=config.address,
        tags=tags,
        link=link_status(snapshot),
    )


def ups_status(ups: UpsPort, power: PowerState, snapshot: LinkSnapshot) -> UpsStatus:
    config, seen = ups.config, ups.reading
    return UpsStatus(
        name=config.name,
        protocol=str(config.protocol),
        address=config.address,
        power=str(power),
        on_battery=seen.on_battery if seen else None,
        low_battery=seen.low_battery if seen else None,
        battery_percent=seen.battery_percent if seen else None,
        runtime_s=seen.runtime_s if seen else None,
        input_voltage=seen.input_voltage if seen else None,
        load_percent=seen.load_percent if seen else None,
        flags=tuple(map(str, seen.flags)) if seen else (),
        model=seen.model if seen else None,
        simulated=seen is not None and seen.simulated,
        at_us=seen.at_us if seen else None,
        link=link_status(snapshot),
    )


def gpio_status(gpio: GpioPort, snapshot: LinkSnapshot) -> GpioStatus:
    buttons = [
        ButtonStatus(one.name, str(one.line), one.pressed, one.presses, one.last_event_at_us)
        for one in gpio.buttons()
    ]
    leds = [
        LedStatus(
            name=one.name,
            line=str(one.line),
            mirrors=None if one.mirrors is None else str(one.mirrors),
            pattern=str(one.pattern),
            lit=one.lit,
            overridden=one.overridden,
        )
        for one in gpio.leds()
    ]
    config = gpio.config
    return GpioStatus(
        config.chip, config.simulated, tuple(buttons), tuple(leds), link_status(snapshot)
    )


def printer_status(printer: PrinterPort, snapshot: LinkSnapshot) -> PrinterStatus:
    config, seen = printer.config, printer.status()
    return PrinterStatus(
        key=config.key,
        index=config.index,
        name=config.name,
        model=str(config.model),
        line_id=config.line_id,
        address=config.address,
        answered=seen.answered if seen.observed_at_us is not None else None,
        printing=seen.last.printing if seen.last else None,
        conditions=tuple(map(str, seen.conditions)),
        jobs_queued=seen.jobs_queued,
        observed_at_us=seen.observed_at_us,
        link=link_status(snapshot),
    )

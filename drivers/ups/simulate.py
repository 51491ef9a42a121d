"""A reading with what somebody wants to see in place of what is. Pure."""

from dataclasses import dataclass, replace

from drivers.ups.port import UpsFlag, UpsReading

_OF_MAINS = frozenset(
    {
        UpsFlag.ON_LINE,
        UpsFlag.ON_BATTERY,
        UpsFlag.LOW_BATTERY,
        UpsFlag.CHARGING,
        UpsFlag.DISCHARGING,
    }
)


@dataclass(frozen=True, slots=True)
class Overlay:
    """None leaves what the UPS tells."""

    on_battery: bool | None = None
    battery_percent: float | None = None

    @property
    def empty(self) -> bool:
        return self.on_battery is None and self.battery_percent is None


def overlaid(real: UpsReading, overlay: Overlay, low_battery_percent: int) -> UpsReading:
    """A charge that is given decides alone whether the battery is low."""
    if overlay.empty:
        return real
    on_battery = real.on_battery if overlay.on_battery is None else overlay.on_battery
    percent, low = real.battery_percent, real.low_battery
    if overlay.battery_percent is not None:
        percent, low = overlay.battery_percent, overlay.battery_percent <= low_battery_percent
    return replace(
        real,
        on_battery=on_battery,
        low_battery=low,
        battery_percent=percent,
        flags=(*_of_mains(on_battery, low), *(f for f in real.flags if f not in _OF_MAINS)),
        simulated=True,
    )


def _of_mains(on_battery: bool, low: bool) -> tuple[UpsFlag, ...]:
    flags = (UpsFlag.ON_BATTERY, UpsFlag.DISCHARGING) if on_battery else (UpsFlag.ON_LINE,)
    return (*flags, UpsFlag.LOW_BATTERY) if low else flags

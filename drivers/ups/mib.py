"""UPS-MIB (RFC 1628) as far as we ask it: object names and what their numbers mean. Pure."""

from collections.abc import Mapping
from enum import StrEnum
from typing import Final

from drivers.link import PeerLost
from drivers.ups.port import SelfTest, SelfTestOutcome, UpsFlag, UpsReading

_MIB: Final = "1.3.6.1.2.1.33.1"


class UpsObject(StrEnum):
    """Scalars end in 0; of inputs and outputs the first line counts, as few UPSs differ by it."""

    MANUFACTURER = f"{_MIB}.1.1.0"
    MODEL = f"{_MIB}.1.2.0"
    BATTERY_STATUS = f"{_MIB}.2.1.0"
    SECONDS_ON_BATTERY = f"{_MIB}.2.2.0"
    MINUTES_REMAINING = f"{_MIB}.2.3.0"
    CHARGE_REMAINING = f"{_MIB}.2.4.0"
    INPUT_VOLTAGE = f"{_MIB}.3.3.1.3.1"
    OUTPUT_SOURCE = f"{_MIB}.4.1.0"
    OUTPUT_LOAD = f"{_MIB}.4.4.1.5.1"
    TEST_ID = f"{_MIB}.7.1.0"
    TEST_LOCK = f"{_MIB}.7.2.0"
    TEST_RESULT = f"{_MIB}.7.3.0"
    TEST_DETAIL = f"{_MIB}.7.4.0"


# What TEST_ID is set to, to start one.
QUICK_BATTERY_TEST: Final = f"{_MIB}.7.7.4"
ABORT_TEST: Final = f"{_MIB}.7.7.2"
NO_TEST: Final = f"{_MIB}.7.7.1"

READ: Final = (
    UpsObject.MODEL,
    UpsObject.BATTERY_STATUS,
    UpsObject.SECONDS_ON_BATTERY,
    UpsObject.MINUTES_REMAINING,
    UpsObject.CHARGE_REMAINING,
    UpsObject.INPUT_VOLTAGE,
    UpsObject.OUTPUT_SOURCE,
    UpsObject.OUTPUT_LOAD,
    UpsObject.TEST_RESULT,
    UpsObject.TEST_DETAIL,
)

_SOURCES: Final[Mapping[int, tuple[str, tuple[UpsFlag, ...]]]] = {
    1: ("other", ()),
    2: ("none", (UpsFlag.OFF,)),
    3: ("normal", (UpsFlag.ON_LINE,)),
    4: ("bypass", (UpsFlag.BYPASS,)),
    5: ("battery", (UpsFlag.ON_BATTERY, UpsFlag.DISCHARGING)),
    6: ("booster", (UpsFlag.ON_LINE, UpsFlag.BOOST)),
    7: ("reducer", (UpsFlag.ON_LINE, UpsFlag.TRIM)),
}
_BATTERIES: Final[Mapping[int, tuple[str, tuple[UpsFlag, ...]]]] = {
    1: ("batteryUnknown", ()),
    2: ("batteryNormal", ()),
    3: ("batteryLow", (UpsFlag.LOW_BATTERY,)),
    4: ("batteryDepleted", (UpsFlag.LOW_BATTERY,)),
}
_TESTS: Final[Mapping[int, SelfTestOutcome]] = {
    1: SelfTestOutcome.PASSED,
    2: SelfTestOutcome.WARNING,
    3: SelfTestOutcome.FAILED,
    4: SelfTestOutcome.ABORTED,
    5: SelfTestOutcome.RUNNING,
}

Value = int | str


def reading_of(
    values: Mapping[UpsObject, Value], at_us: int, low_battery_percent: int
) -> UpsReading:
    """Raises PeerLost where the agent does not tell the output's source: it serves no UPS-MIB."""
    source = _integer(values, UpsObject.OUTPUT_SOURCE)
    if source is None or source not in _SOURCES:
        raise PeerLost("the SNMP agent serves no UPS-MIB")
    battery = _BATTERIES.get(_integer(values, UpsObject.BATTERY_STATUS) or 1, _BATTERIES[1])
    flags = (*_SOURCES[source][1], *battery[1])
    percent = _integer(values, UpsObject.CHARGE_REMAINING)
    minutes = _integer(values, UpsObject.MINUTES_REMAINING)
    voltage = _integer(values, UpsObject.INPUT_VOLTAGE)
    load = _integer(values, UpsObject.OUTPUT_LOAD)
    return UpsReading(
        at_us=at_us,
        on_battery=UpsFlag.ON_BATTERY in flags,
        low_battery=UpsFlag.LOW_BATTERY in flags
        or (percent is not None and percent <= low_battery_percent),
        battery_percent=None if percent is None else float(percent),
        runtime_s=None if minutes is None else minutes * 60,
        input_voltage=None if voltage is None else float(voltage),
        load_percent=None if load is None else float(load),
        flags=flags,
        status=f"{_SOURCES[source][0]} {battery[0]}",
        model=str(values.get(UpsObject.MODEL, "")) or None,
        last_test=_self_test(values),
    )


def _self_test(values: Mapping[UpsObject, Value]) -> SelfTest | None:
    """None where no test was ever run, or none can be."""
    outcome = _TESTS.get(_integer(values, UpsObject.TEST_RESULT) or 0)
    detail = str(values.get(UpsObject.TEST_DETAIL, ""))
    return None if outcome is None else SelfTest(outcome, detail or outcome.value.lower())


def _integer(values: Mapping[UpsObject, Value], name: UpsObject) -> int | None:
    """Negative numbers are what some cards say for `unknown`."""
    value = values.get(name)
    return value if isinstance(value, int) and value >= 0 else None

"""The cabinet as the OKTO edge API shows it. Its oddities:

- `status` of what is not configured is 200 with `configured: false`, as a cabinet page wants it;
- a test of a button is a press and a release; `set` of a lamp holds until `on` is null.
"""

from compat_rest.kernel.okto.presenter import Body, data
from compat_rest.okto_edge.hardware_presenter import link
from domain.kernel.clock import iso
from domain.line.ports import ButtonStatus, GpioStatus, LedStatus, UpsStatus, UpsTest

NO_UPS: Body = {
    "configured": False,
    "name": None,
    "protocol": None,
    "address": None,
    "power": None,
    "onBattery": None,
    "lowBattery": None,
    "batteryPercent": None,
    "runtimeSeconds": None,
    "inputVoltage": None,
    "loadPercent": None,
    "flags": [],
    "model": None,
    "simulated": False,
    "timestamp": None,
    "link": None,
}
NO_GPIO: Body = {
    "configured": False,
    "chip": None,
    "simulated": False,
    "buttons": [],
    "leds": [],
    "link": None,
}


def ups(status: UpsStatus | None) -> Body:
    if status is None:
        return data(NO_UPS)
    return data(
        {
            "configured": True,
            "name": status.name,
            "protocol": status.protocol,
            "address": status.address,
            "power": status.power,
            "onBattery": status.on_battery,
            "lowBattery": status.low_battery,
            "batteryPercent": status.battery_percent,
            "runtimeSeconds": status.runtime_s,
            "inputVoltage": status.input_voltage,
            "loadPercent": status.load_percent,
            "flags": list(status.flags),
            "model": status.model,
            "simulated": status.simulated,
            "timestamp": None if status.at_us is None else iso(status.at_us),
            "link": link(status.link),
        }
    )


def ups_test(done: UpsTest) -> Body:
    return data({"outcome": done.outcome, "detail": done.detail})


def gpio(status: GpioStatus | None) -> Body:
    if status is None:
        return data(NO_GPIO)
    return data(
        {
            "configured": True,
            "chip": status.chip,
            "simulated": status.simulated,
            "buttons": [_button(one) for one in status.buttons],
            "leds": [_led(one) for one in status.leds],
            "link": link(status.link),
        }
    )


def _button(button: ButtonStatus) -> Body:
    at_us = button.last_event_at_us
    return {
        "name": button.name,
        "line": button.line,
        "pressed": button.pressed,
        "presses": button.presses,
        "lastEvent": None if at_us is None else iso(at_us),
    }


def _led(led: LedStatus) -> Body:
    return {
        "name": led.name,
        "line": led.line,
        "mirrors": led.mirrors,
        "pattern": led.pattern,
        "on": led.lit,
        "overridden": led.overridden,
    }

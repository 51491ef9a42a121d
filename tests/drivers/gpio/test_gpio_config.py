"""What is refused, and which field is named."""

from typing import Any

import pytest

from domain.kernel.errors import ValidationFailed
from drivers.gpio.port import GpioConfig

BUTTON: dict[str, Any] = {"name": "start", "line": 17}
LED: dict[str, Any] = {"name": "run", "line": 27}
GOOD: dict[str, Any] = {"chip": "/dev/gpiochip0", "buttons": [BUTTON], "leds": [LED]}


@pytest.mark.parametrize(
    ("wrong", "field"),
    [
        ({"chip": ""}, "gpio.chip"),
        ({"chip": "gpiochip0"}, "gpio.chip"),
        ({"chip": "sim://host"}, "gpio.chip"),
        ({"chip": "sim://host:99999"}, "gpio.chip"),
        ({"chip": "sim://host:0"}, "gpio.chip"),
        ({"chip": "sim://:80"}, "gpio.chip"),
        ({"typo": 1}, "gpio.typo"),
        ({"timeout_s": 0}, "gpio.timeout_s"),
        ({"buttons": 5}, "gpio.buttons"),
        ({"buttons": [{**BUTTON, "name": "a/b"}]}, "gpio.buttons.0.name"),
        ({"buttons": [{**BUTTON, "debounce_ms": -1}]}, "gpio.buttons.0.debounce_ms"),
        ({"buttons": [{**BUTTON, "pull": "SIDEWAYS"}]}, "gpio.buttons.0.pull"),
        ({"buttons": [BUTTON, {"name": "start", "line": 4}]}, "gpio.buttons.1.name"),
        ({"buttons": [BUTTON, {"name": "stop", "line": 17}]}, "gpio.buttons.1.line"),
        ({"leds": [LED, {"name": "run", "line": 4}]}, "gpio.leds.1.name"),
        ({"leds": [{"name": "run", "line": 17}]}, "gpio.leds.0.line"),
        ({"leds": [{**LED, "mirrors": "MOON"}]}, "gpio.leds.0.mirrors"),
        ({"leds": [{**LED, "typo": 1}]}, "gpio.leds.0.typo"),
        ({"leds": [{"name": f"led-{at}", "line": at} for at in range(40)]}, "gpio.leds"),
    ],
)
def test_wrong_setting_is_named(wrong: dict[str, Any], field: str) -> None:
    with pytest.raises(ValidationFailed) as caught:
        GpioConfig.parse({**GOOD, **wrong})
    assert caught.value.details["field"] == field


@pytest.mark.parametrize("line", [-1, 1024, "", "two words", 1.5, None])
def test_wrong_line_is_named(line: object) -> None:
    with pytest.raises(ValidationFailed) as caught:
        GpioConfig.parse({**GOOD, "leds": [{"name": "run", "line": line}]})
    assert str(caught.value.details["field"]).startswith("gpio.leds.0.line")


def test_a_button_and_a_lamp_may_share_a_name() -> None:
    config = GpioConfig.parse({**GOOD, "leds": [{"name": "start", "line": "GPIO5"}]})
    assert GpioConfig.model_validate_json(config.model_dump_json()) == config
    assert (config.key, config.address, config.simulated) == ("gpio", "/dev/gpiochip0", False)


@pytest.mark.parametrize(
    "chip", ["sim://127.0.0.1:7017", "sim://panel.local:1", "sim://[::1]:7017", "sim:///tmp/x.sock"]
)
def test_simulated_chips(chip: str) -> None:
    assert GpioConfig.parse({**GOOD, "chip": chip}).simulated

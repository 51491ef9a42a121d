"""What is known of each button and each lamp. Pure."""

from drivers.gpio.debounce import Debouncer
from drivers.gpio.mirror import LineLights, Pattern, pattern_of
from drivers.gpio.port import (
    ButtonAction,
    ButtonConfig,
    ButtonEvent,
    ButtonState,
    LedConfig,
    LedState,
)


class Button:
    def __init__(self, config: ButtonConfig) -> None:
        self.config = config
        self.presses = 0
        self.last_event_at_us: int | None = None
        self.debouncer: Debouncer | None = None

    def start(self, active: bool) -> bool:
        """Whether that is news."""
        before = self.debouncer.active if self.debouncer is not None else False
        self.debouncer = Debouncer(self.config.debounce_ms * 1_000_000, active)
        return active != before

    def note(self, event: ButtonEvent) -> None:
        self.presses += event.action is ButtonAction.PRESSED
        self.last_event_at_us = event.at_us

    def state(self) -> ButtonState:
        pressed = None if self.debouncer is None else self.debouncer.active
        line = self.config.line
        return ButtonState(self.config.name, line, pressed, self.presses, self.last_event_at_us)


class Led:
    def __init__(self, config: LedConfig) -> None:
        self.config = config
        self.lit: bool | None = None
        self.override: bool | None = None

    def pattern(self, lights: LineLights) -> Pattern:
        if self.override is not None:
            return Pattern.ON if self.override else Pattern.OFF
        mirrors = self.config.mirrors
        return Pattern.OFF if mirrors is None else pattern_of(mirrors, lights)

    def state(self, lights: LineLights) -> LedState:
        config = self.config
        pattern = self.pattern(lights)
        return LedState(config.name, config.line, config.mirrors, pattern, self.lit, self.override)

"""A UPS as a battery and a plug, whoever asks for it: NUT and SNMP simulators tell the same one."""

import time
from collections.abc import Callable
from enum import StrEnum

from pydantic import BaseModel, ConfigDict, Field


class SimulatedTest(StrEnum):
    """How self-tests end."""

    PASSED = "PASSED"
    WARNING = "WARNING"
    FAILED = "FAILED"


class BatteryTest(StrEnum):
    NEVER = "NEVER"
    RUNNING = "RUNNING"
    PASSED = "PASSED"
    WARNING = "WARNING"
    FAILED = "FAILED"
    ABORTED = "ABORTED"


class SimulatedUpsConfig(BaseModel):
    """`drain_percent_s` and `charge_percent_s` are percent of the full charge in a second."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    model: str = "Simulated UPS 1500"
    manufacturer: str = "Oktograph"
    battery_percent: float = Field(default=100.0, ge=0, le=100)
    drain_percent_s: float = Field(default=0.1, ge=0)
    charge_percent_s: float = Field(default=0.05, ge=0)
    low_percent: float = Field(default=20.0, ge=0, le=100)
    load_percent: float = Field(default=30.0, ge=0, le=200)
    input_voltage: float = Field(default=230.0, ge=0)
    test_s: float = Field(default=5.0, ge=0)
    test_result: SimulatedTest = SimulatedTest.PASSED


class SimulatedUps:
    """`outage` and `restore` pull and put back the plug. The charge follows by itself, and may be
    set, as may the rates, the load and `forced_shutdown`, while everything runs."""

    def __init__(
        self,
        config: SimulatedUpsConfig | None = None,
        now_s: Callable[[], float] = time.monotonic,
    ) -> None:
        self.config = config or SimulatedUpsConfig()
        self.load_percent = self.config.load_percent
        self.forced_shutdown = False
        self.replace_battery = False
        self._now_s = now_s
        self._on_battery = False
        self._drain = self.config.drain_percent_s
        self._percent = self.config.battery_percent
        self._as_of_s = now_s()
        self._lost_at_s: float | None = None
        self._test_from_s: float | None = None
        self._tested = BatteryTest.NEVER

    def outage(self) -> None:
        self._settle()
        if not self._on_battery:
            self._on_battery, self._lost_at_s = True, self._now_s()
            self.abort_test()

    def restore(self) -> None:
        self._settle()
        self._on_battery, self._lost_at_s = False, None

    @property
    def on_battery(self) -> bool:
        return self._on_battery

    @property
    def low_battery(self) -> bool:
        return self.battery_percent <= self.config.low_percent

    @property
    def battery_percent(self) -> float:
        self._settle()
        return self._percent

    @battery_percent.setter
    def battery_percent(self, value: float) -> None:
        self._settle()
        self._percent = min(100.0, max(0.0, value))

    @property
    def drain_percent_s(self) -> float:
        return self._drain

    @drain_percent_s.setter
    def drain_percent_s(self, value: float) -> None:
        self._settle()
        self._drain = value

    @property
    def runtime_s(self) -> int:
        """At the present rate; a battery that does not drain lasts a day."""
        return min(86400, round(self.battery_percent / self._drain)) if self._drain else 86400

    @property
    def seconds_on_battery(self) -> int:
        return 0 if self._lost_at_s is None else int(self._now_s() - self._lost_at_s)

    @property
    def input_voltage(self) -> float:
        return 0.0 if self._on_battery else self.config.input_voltage

    @property
    def test_state(self) -> BatteryTest:
        if self._test_from_s is not None:
            if self._now_s() - self._test_from_s < self.config.test_s:
                return BatteryTest.RUNNING
            self._test_from_s, self._tested = None, BatteryTest(self.config.test_result)
        return self._tested

    def start_test(self) -> bool:
        """False where it cannot: on battery, or while one runs."""
        if self._on_battery or self.test_state is BatteryTest.RUNNING:
            return False
        self._test_from_s = self._now_s()
        return True

    def abort_test(self) -> None:
        if self.test_state is BatteryTest.RUNNING:
            self._test_from_s, self._tested = None, BatteryTest.ABORTED

    def _settle(self) -> None:
        """Brings the charge up to now."""
        now_s = self._now_s()
        elapsed_s, self._as_of_s = now_s - self._as_of_s, now_s
        rate = -self._drain if self._on_battery else self.config.charge_percent_s
        self._percent = min(100.0, max(0.0, self._percent + rate * elapsed_s))

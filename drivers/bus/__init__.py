"""The wake-up bus: tells the other processes on the same event log that it has grown."""

from drivers.bus.link import BusTiming, LinkState
from drivers.bus.wakeups import BusSnapshot, WakeUpBus

__all__ = ["BusSnapshot", "BusTiming", "LinkState", "WakeUpBus"]

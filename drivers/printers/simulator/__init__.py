"""Printers that are real peers on a real socket: for tests, for the demo, for trying a set-up."""

from drivers.printers.simulator.config import Noise, PrinterFaults, PrinterSimulatorConfig
from drivers.printers.simulator.server import PrinterSimulator

__all__ = ["Noise", "PrinterFaults", "PrinterSimulator", "PrinterSimulatorConfig"]

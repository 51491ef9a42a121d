"""What simulated scanners, printers, UPSs and panels can be told while they run."""

import asyncio
from collections.abc import Sequence
from typing import Final

from domain.production.codes import GS
from drivers.gpio.simulator import GpioSimulator
from drivers.printers.simulator import PrinterSimulator
from drivers.scanners.device_simulator import DeviceFeeder
from drivers.scanners.feeder import Feeder, StreamFeeder
from drivers.ups.simulation import SimulatedUps
from oktograph.simulation.console import Word, none, only
from oktograph.simulation.misfortunes import Faulty, act_of

# Longer than a button's debouncing.
PRESS_S: Final = 0.2
# Nobody is connected, or it was told to be silent.
TAKEN_S: Final = 1.0
SEPARATOR: Final = "<GS>"
ENDLESS: Final = "endless"


def scanner_words(scanner: Feeder, faulty: Faulty) -> dict[str, Word]:
    async def read(words: Sequence[str]) -> None:
        if not words:
            raise ValueError("a code")
        async with asyncio.timeout(TAKEN_S):
            await scanner.emit(" ".join(words).replace(SEPARATOR, GS))

    async def no_read(words: Sequence[str]) -> None:
        none(words)
        async with asyncio.timeout(TAKEN_S):
            await scanner.emit(None)

    def rate(words: Sequence[str]) -> None:
        value = float(only(words))
        if not 0 <= value < float("inf"):
            raise ValueError("from 0")
        scanner.rate = value

    return {
        "read": Word(read, f"reads it ({SEPARATOR} stands for the separator)", "code"),
        "noread": Word(no_read, "misses one"),
        "rate": Word(rate, "codes a second by itself, 0 for none", "number"),
        **faulty.words(),
        **_plug_words(scanner),
    }


def _plug_words(scanner: Feeder) -> dict[str, Word]:
    if not isinstance(scanner, DeviceFeeder):
        return {}
    return {
        "unplug": Word(act_of(scanner.unplug), "takes its device away"),
        "plug": Word(act_of(scanner.plug), "puts it back"),
    }


def scanner_faults(scanner: StreamFeeder) -> Faulty:
    return Faulty(scanner.stall, scanner.resume, scanner.cut)


def printer_words(printer: PrinterSimulator) -> dict[str, Word]:
    def media(words: Sequence[str]) -> None:
        printer.load(labels=_rolls(words), ribbon=printer.mechanism.ribbon_left)

    def ribbon(words: Sequence[str]) -> None:
        printer.load(labels=printer.mechanism.labels_left, ribbon=_rolls(words))

    def head(words: Sequence[str]) -> None:
        {"open": printer.open_head, "closed": printer.close_head}[only(words)]()

    def labels(words: Sequence[str]) -> str:
        none(words)
        last = " | ".join(printer.printed[-1].texts) if printer.printed else "none yet"
        return f"{printer.printed_count} printed, the last: {last}"

    return {
        "media": Word(media, "puts in a roll of so many labels, 0 for none", f"labels|{ENDLESS}"),
        "ribbon": Word(ribbon, "the same of ribbon", f"labels|{ENDLESS}"),
        "head": Word(head, "opens or closes it", "open|closed"),
        "pause": Word(act_of(printer.pause), "as by its button"),
        "continue": Word(act_of(printer.resume), "after a pause"),
        "labels": Word(labels, "what came out"),
        **printer_faults(printer).words(),
    }


def printer_faults(printer: PrinterSimulator) -> Faulty:
    return Faulty(printer.stall, printer.go_on, printer.cut)


def ups_words(ups: SimulatedUps, faulty: Faulty) -> dict[str, Word]:
    def charge(words: Sequence[str]) -> str:
        if words:
            ups.battery_percent = float(only(words))
        return f"{ups.battery_percent:.0f} %"

    return {
        "outage": Word(act_of(ups.outage), "pulls the plug"),
        "restore": Word(act_of(ups.restore), "puts it back"),
        "charge": Word(charge, "what is in the battery, or what should be", "[percent]"),
        **faulty.words(),
    }


def panel_words(panel: GpioSimulator) -> dict[str, Word]:
    async def press(words: Sequence[str]) -> None:
        panel.press(only(words))
        await asyncio.sleep(PRESS_S)
        panel.release(only(words))

    def hold(words: Sequence[str]) -> None:
        panel.press(only(words))

    def release(words: Sequence[str]) -> None:
        panel.release(only(words))

    def lamps(words: Sequence[str]) -> str:
        none(words)
        shown = [(one.name, panel.led(one.name)) for one in panel.config.leds]
        return " ".join(f"{name}={'on' if lit else 'off'}" for name, lit in shown)

    buttons = "|".join(panel.buttons)
    return {
        "press": Word(press, "and lets go", buttons),
        "hold": Word(hold, "without letting go", buttons),
        "release": Word(release, "what is held", buttons),
        "lamps": Word(lamps, "which are lit"),
        **panel_faults(panel).words(),
    }


def panel_faults(panel: GpioSimulator) -> Faulty:
    return Faulty(panel.stall, panel.resume, panel.cut)


def _rolls(words: Sequence[str]) -> int | None:
    """Raises ValueError."""
    if only(words) == ENDLESS:
        return None
    labels = int(only(words))
    if labels < 0:
        raise ValueError("from 0")
    return labels

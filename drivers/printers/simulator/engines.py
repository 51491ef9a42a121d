"""The part of a simulated printer that understands: bytes in, answers out, one per connection."""

import re
from collections.abc import Callable
from typing import Protocol

from drivers.printers.port import PrinterModel
from drivers.printers.reading.tspl import TsplReader
from drivers.printers.reading.zpl import read_zpl
from drivers.printers.simulator.config import PrinterSimulatorConfig, StatusWord
from drivers.printers.simulator.mechanism import Batch, Mechanism, TextLabel
from drivers.printers.status import PrinterCondition

# What makes no sense for so long is dropped, as a printer's parser would.
MOST_PENDING = 1_000_000

Answer = Callable[[bytes], None]


class Engine(Protocol):
    def take(self, data: bytes) -> None:
        """Acts on what has come; answers go out through the callable it was made with."""


def engine_for(config: PrinterSimulatorConfig, mechanism: Mechanism, answer: Answer) -> Engine:
    match config.model:
        case PrinterModel.ZPL:
            return ZplEngine(config, mechanism, answer)
        case PrinterModel.TSPL:
            return TsplEngine(config, mechanism, answer)
        case PrinterModel.TEXT:
            return TextEngine(config, mechanism, answer)


class ZplEngine:
    """~HS, ~JA, ~PP and ~PS act at once, wherever they stand; formats wait for their ^XZ."""

    _IMMEDIATE = re.compile(rb"~(HS|JA|PP|PS)", re.IGNORECASE)
    _FORMAT = re.compile(rb"\^XA.*?\^XZ", re.IGNORECASE | re.DOTALL)

    def __init__(
        self,
        config: PrinterSimulatorConfig,
        mechanism: Mechanism,
        answer: Answer,
    ) -> None:
        self._config = config
        self._mechanism = mechanism
        self._answer = answer
        self._pending = b""

    def take(self, data: bytes) -> None:
        self._pending += data
        while (match := self._IMMEDIATE.search(self._pending)) is not None:
            before, after = self._pending[: match.start()], self._pending[match.end() :]
            self._pending = before
            self._take_formats()
            self._act(match[1].upper())
            self._pending += after
        self._take_formats()

    def _take_formats(self) -> None:
        while (match := self._FORMAT.search(self._pending)) is not None:
            self._pending = self._pending[match.end() :]
            for label in read_zpl(match[0]):
                self._mechanism.add(Batch(label, label.quantity))
        if len(self._pending) > MOST_PENDING:
            self._pending = b""

    def _act(self, command: bytes) -> None:
        mechanism = self._mechanism
        match command:
            case b"JA":
                self._pending = b""
                mechanism.cancel()
            case b"PP" | b"PS":
                mechanism.paused = command == b"PP"
                mechanism.changed()
            case _ if not (self._config.silent_when_held and mechanism.is_held):
                self._answer(self._host_status())

    def _host_status(self) -> bytes:
        m = self._mechanism
        partial = int(b"^XA" in self._pending.upper())
        lines = (
            f"030,{m.paper_out:d},{m.paused:d},0320,{m.formats:03d},{m.buffer_full:d},0,{partial},"
            "000,0,0,0",
            f"001,0,{m.head_open:d},{m.ribbon_out:d},1,2,4,0,{m.remaining:08d},1,000",
            "0000,0",
        )
        return b"".join(b"\x02%b\x03\r\n" % line.encode("ascii") for line in lines)


class TsplEngine:
    """ESC !?, ESC !S and ESC !. act at once, wherever they stand; lines wait for their end."""

    _IMMEDIATE = re.compile(rb"\x1b!([?S.])")

    def __init__(
        self,
        config: PrinterSimulatorConfig,
        mechanism: Mechanism,
        answer: Answer,
    ) -> None:
        self._reader = TsplReader(config.dpmm)
        self._mechanism = mechanism
        self._answer = answer
        self._pending = b""

    def take(self, data: bytes) -> None:
        self._pending += data
        while (match := self._IMMEDIATE.search(self._pending)) is not None:
            before, after = self._pending[: match.start()], self._pending[match.end() :]
            self._pending = before
            self._take_lines()
            self._act(match[1])
            self._pending += after
        self._take_lines()

    def _take_lines(self) -> None:
        *lines, self._pending = self._pending.split(b"\n")
        for line in lines:
            label = self._reader.take(line)
            if label is not None:
                self._mechanism.add(Batch(label, label.quantity))
        if len(self._pending) > MOST_PENDING:
            self._pending = b""

    def _act(self, command: bytes) -> None:
        match command:
            case b"?":
                self._answer(self._status_byte())
            case b"S":
                self._answer(self._status_frame())
            case _:
                self._pending = b""
                self._mechanism.cancel()

    def _status_byte(self) -> bytes:
        m = self._mechanism
        bits = (m.head_open, False, m.paper_out, m.ribbon_out, m.paused, m.is_printing)
        return bytes([sum(bit << at for at, bit in enumerate(bits))])

    def _status_frame(self) -> bytes:
        m = self._mechanism
        message = 0x60 if m.paused else 0x45 if m.is_held else 0x50 if m.is_printing else 0x40
        warning = 0x40 | (0x08 * m.buffer_full)
        media = 0x40 | m.paper_out | (0x04 * m.ribbon_out) | (0x20 * m.head_open)
        return b"\x02%b\x03\r\n" % bytes([message, warning, 0x40, media])


class TextEngine:
    """Commands between their start and end; what was set stays until it is set anew."""

    def __init__(
        self,
        config: PrinterSimulatorConfig,
        mechanism: Mechanism,
        answer: Answer,
    ) -> None:
        self._config = config
        self._text = config.text
        self._mechanism = mechanism
        self._answer = answer
        self._pending = b""
        self._set: list[str] = []
        self._printed_since = False

    def take(self, data: bytes) -> None:
        self._pending += data
        *frames, self._pending = self._pending.split(self._text.terminator)
        for frame in frames:
            # What stands before the start is noise.
            content = frame.rpartition(self._text.start)[2] if self._text.start else frame
            self._act(content.decode(self._text.encoding, "replace").strip("\r\n"))
        if len(self._pending) > MOST_PENDING:
            self._pending = b""

    def _act(self, command: str) -> None:
        text = self._text
        if text.status_command and command == text.status_command:
            self._say(self._config.status_texts[self._state()].encode(text.encoding))
        elif any(command.startswith(refused) for refused in self._config.refused):
            self._say(text.refuse)
        elif command == text.print_command or not text.print_command:
            self._print(command)
        else:
            self._note(command)
            self._say(text.acknowledge)

    def _note(self, command: str) -> None:
        if self._printed_since:
            self._set = []
        self._printed_since = False
        self._set.append(command)

    def _print(self, command: str) -> None:
        mechanism = self._mechanism
        if mechanism.is_held or mechanism.paused:
            self._say(self._text.refuse)
            return
        if command != self._text.print_command:
            self._note(command)
        self._printed_since = True
        self._say(self._text.acknowledge)
        done = self._text.done
        tell = None if done is None else lambda: self._say(done)
        mechanism.add(Batch(TextLabel(tuple(self._set)), 1, tell))

    def _say(self, content: bytes) -> None:
        self._answer(self._text.reply_start + content + self._text.reply_terminator)

    def _state(self) -> StatusWord:
        m = self._mechanism
        states: tuple[tuple[bool, StatusWord], ...] = (
            (m.paper_out, PrinterCondition.MEDIA_OUT),
            (m.ribbon_out, PrinterCondition.RIBBON_OUT),
            (m.head_open, PrinterCondition.HEAD_OPEN),
            (m.paused, PrinterCondition.PAUSED),
            (m.is_printing, "PRINTING"),
        )
        return next((word for holds, word in states if holds), "READY")

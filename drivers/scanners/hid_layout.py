"""Where in a HID POS scanner's report what stands, as its own descriptor says. Pure.

Sources: HID 1.11, 6.2.2 (descriptors); HID Point of Sale Usage Tables 1.02, page 0x8C.
"""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field, replace
from typing import Final

BYTE_COUNT: Final = 0x0001_003B
AIM, DATA, CONTINUED = 0x008C_00FB, 0x008C_00FE, 0x008C_00FF
MAX_REPORT_BITS: Final = 8 * 4096


@dataclass(frozen=True, slots=True)
class ReportLayout:
    """Offsets in bytes from the report's first, which is its id where it has one. Without a
    length the data ends with its last byte that is not zero. `continued` is a byte and a mask."""

    size: int
    data_at: int
    data_size: int
    length_at: int | None = None
    aim_at: int | None = None
    continued: tuple[int, int] | None = None


Layouts = Mapping[int, ReportLayout]
"""By report id; 0 is that of a device whose reports have none."""

COMMON: Final[Layouts] = {
    2: ReportLayout(size=64, data_at=5, data_size=56, length_at=1, aim_at=2, continued=(63, 1))
}
"""What most makers send, for where the system does not tell."""


def layouts_of(descriptor: bytes) -> Layouts:
    """The reports that carry codes. Raises ValueError where there is none, or one whose data does
    not begin and end with a byte."""
    description = _Description()
    for kind, size, value in _items(descriptor):
        description.take(kind, size, value)
    found = {
        id_: _layout(report) for id_, report in description.reports.items() if DATA in report.fields
    }
    if not found:
        raise ValueError("no report of it carries bar codes")
    return found


@dataclass(frozen=True, slots=True)
class _Field:
    """In bits: where it begins, how far it goes, and the size of one of its elements."""

    first: int
    span: int
    element: int


@dataclass(slots=True)
class _Report:
    bits: int
    fields: dict[int, _Field] = field(default_factory=dict)


def _layout(report: _Report) -> ReportLayout:
    data = report.fields[DATA]
    if data.element != 8 or data.first % 8:
        raise ValueError("its codes do not stand on whole bytes")
    return ReportLayout(
        size=(report.bits + 7) // 8,
        data_at=data.first // 8,
        data_size=data.span // 8,
        length_at=_byte(report.fields.get(BYTE_COUNT)),
        aim_at=_byte(report.fields.get(AIM)),
        continued=_flag(report.fields.get(CONTINUED)),
    )


def _byte(found: _Field | None) -> int | None:
    if found is None or found.element != 8 or found.first % 8:
        return None
    return found.first // 8


def _flag(found: _Field | None) -> tuple[int, int] | None:
    if found is None:
        return None
    mask = ((1 << found.element) - 1) << (found.first % 8)
    return found.first // 8, mask & 0xFF


# An item's first byte, less the two bits of its size.
_INPUT, _OUTPUT, _COLLECTION, _FEATURE, _END = 0x80, 0x90, 0xA0, 0xB0, 0xC0
_PAGE, _SIZE, _ID, _COUNT, _PUSH, _POP = 0x04, 0x74, 0x84, 0x94, 0xA4, 0xB4
_USAGE, _USAGE_MIN, _USAGE_MAX = 0x08, 0x18, 0x28
_MAIN: Final = frozenset({_INPUT, _OUTPUT, _COLLECTION, _FEATURE, _END})
_LONG: Final = 0xFE


def _items(descriptor: bytes) -> Iterator[tuple[int, int, int]]:
    """Kind, size in bytes, value. What is cut off counts as zeros, as the kernel has it."""
    at = 0
    while at < len(descriptor):
        prefix = descriptor[at]
        if prefix == _LONG:
            at += 3 + (descriptor[at + 1] if at + 1 < len(descriptor) else 0)
            continue
        size = (0, 1, 2, 4)[prefix & 3]
        value = int.from_bytes(descriptor[at + 1 : at + 1 + size], "little")
        yield prefix & 0xFC, size, value
        at += 1 + size


@dataclass(frozen=True, slots=True)
class _Globals:
    page: int = 0
    size: int = 0
    count: int = 0
    report: int = 0


class _Description:
    """Follows a report descriptor item by item."""

    def __init__(self) -> None:
        self.reports: dict[int, _Report] = {}
        self._now = _Globals()
        self._pushed: list[_Globals] = []
        self._usages: list[int] = []
        self._lowest = 0

    def take(self, kind: int, size: int, value: int) -> None:
        if kind == _INPUT:
            self._place()
        if kind in _MAIN:
            self._usages = []
        elif kind in (_USAGE, _USAGE_MIN, _USAGE_MAX):
            self._use(kind, value if size == 4 else (self._now.page << 16) | value)
        else:
            self._set(kind, value)

    def _place(self) -> None:
        """One usage for each element; the last stands for all that are left."""
        now = self._now
        report = self.reports.setdefault(now.report, _Report(8 if now.report else 0))
        start, report.bits = report.bits, report.bits + now.size * now.count
        if report.bits > MAX_REPORT_BITS:
            raise ValueError("a report longer than any device sends")
        usages = self._usages[: now.count]
        for at, usage in enumerate(usages, start=1):
            first = start + (at - 1) * now.size
            span = report.bits - first if at == len(usages) else now.size
            report.fields.setdefault(usage, _Field(first, span, now.size))

    def _use(self, kind: int, usage: int) -> None:
        if kind == _USAGE:
            self._usages.append(usage)
        elif kind == _USAGE_MIN:
            self._lowest = usage
        else:
            self._usages += range(self._lowest, min(usage, self._lowest + MAX_REPORT_BITS) + 1)

    def _set(self, kind: int, value: int) -> None:
        if kind == _PUSH:
            self._pushed.append(self._now)
        elif kind == _POP:
            self._now = self._pushed.pop() if self._pushed else self._now
        elif name := {_PAGE: "page", _SIZE: "size", _COUNT: "count", _ID: "report"}.get(kind):
            self._now = replace(self._now, **{name: value})

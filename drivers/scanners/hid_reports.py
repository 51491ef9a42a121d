"""A HID POS scanner: its reports to codes. Pure: no clock, no device."""

from typing import Final

from drivers.scanners.framing import Frame
from drivers.scanners.hid_layout import COMMON, Layouts, ReportLayout
from drivers.scanners.profiles import FrameProfile

AIM_BYTES: Final = 3

# Some devices say `continued` of a code that exactly fills its report, and then nothing follows.
# Reports of one code are a few milliseconds apart.
CONTINUATION_S: Final = 0.25


class ReportFramer:
    """A FrameSource of one report per `feed`. A symbology id comes before the code, as on every
    other transport. Reports of other kinds and of impossible lengths are noise."""

    def __init__(self, profile: FrameProfile, layouts: Layouts = COMMON) -> None:
        self.noise_bytes = 0
        self.overlong = 0
        self.truncated = 0
        self.quiet_gap_s = profile.quiet_gap_s or CONTINUATION_S
        self._layouts = layouts
        self._max = profile.max_frame
        self._code = bytearray()
        self._pending = False
        self._skipping = False

    @property
    def pending(self) -> bool:
        return self._pending

    def feed(self, data: bytes) -> list[Frame]:
        layout = self._layouts.get(0) or self._layouts.get(data[0])
        piece = _piece(data, layout) if layout else None
        if layout is None or piece is None:
            self.noise_bytes += len(data)
            return []
        if not self._pending:
            self._code += _aim(data, layout)
        self._add(piece)
        self._pending = _is_continued(data, layout)
        return [] if self._pending else self.flush()

    def flush(self) -> list[Frame]:
        code, self._code = bytes(self._code), bytearray()
        skipped, self._skipping, self._pending = self._skipping, False, False
        return [] if skipped else [Frame(code)]

    def _add(self, piece: bytes) -> None:
        self._code += piece
        if len(self._code) > self._max:
            self.overlong += not self._skipping
            self._skipping = True
            self._code.clear()


def _piece(report: bytes, layout: ReportLayout) -> bytes | None:
    if len(report) < layout.size:
        return None
    data = report[layout.data_at : layout.data_at + layout.data_size]
    if layout.length_at is None:
        return data.rstrip(b"\0")
    length = report[layout.length_at]
    return data[:length] if length <= layout.data_size else None


def _aim(report: bytes, layout: ReportLayout) -> bytes:
    """Nothing where the device does not say."""
    if layout.aim_at is None:
        return b""
    aim = report[layout.aim_at : layout.aim_at + AIM_BYTES]
    return aim if aim.startswith(b"]") and b"\0" not in aim else b""


def _is_continued(report: bytes, layout: ReportLayout) -> bool:
    at, mask = layout.continued or (0, 0)
    return bool(report[at] & mask)

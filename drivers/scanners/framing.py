"""Bytes in, frames out. Pure: no clock, no socket; the same bytes give the same frames however
they are cut into packets."""

from collections.abc import Callable
from dataclasses import dataclass
from enum import Enum, auto

from drivers.scanners.profiles import FrameProfile, Heartbeat

MAX_COUNTER_DIGITS = 10


@dataclass(frozen=True, slots=True)
class Frame:
    """`payload` is what stands between start and end; empty for a heartbeat."""

    payload: bytes
    heartbeat: bool = False


class _Mode(Enum):
    IDLE = auto()  # a start byte is due; anything else is noise
    FRAME = auto()  # the buffer begins with a frame's first byte
    SKIP = auto()  # inside an over-long frame: nothing counts until it ends


class Framer:
    """Holds at most one frame and one packet. Frames longer than `max_frame` are dropped whole.

    A frame ends with the first byte at which any terminator is complete, so no code waits for
    the next one; what then follows of a longer terminator (LF after CR) still belongs to it.
    """

    def __init__(self, profile: FrameProfile) -> None:
        self.noise_bytes = 0
        self.overlong = 0
        self.truncated = 0
        self.quiet_gap_s = profile.quiet_gap_s
        self._profile = profile
        self._ends = tuple(sorted(profile.ends, key=len, reverse=True))
        self._longest_end = max((len(end) for end in self._ends), default=0)
        self._window = profile.max_frame + self._longest_end
        self._fresh = _Mode.IDLE if profile.start else _Mode.FRAME
        self._mode = self._fresh
        self._buffer = bytearray()
        self._tails: tuple[bytes, ...] = ()
        self._out: list[Frame] = []
        self._steps: dict[_Mode, Callable[[], bool]] = {
            _Mode.IDLE: self._seek_start,
            _Mode.FRAME: self._seek_end,
            _Mode.SKIP: self._skip,
        }

    def feed(self, data: bytes) -> list[Frame]:
        """The frames that these bytes complete, in order."""
        self._buffer += data
        while self._step():
            pass
        frames, self._out = self._out, []
        return frames

    @property
    def pending(self) -> bool:
        """Whether a quiet gap would end a frame now."""
        return self._mode is _Mode.SKIP or (self._mode is _Mode.FRAME and bool(self._buffer))

    def flush(self) -> list[Frame]:
        """A quiet gap: what has come so far is a frame."""
        frames: list[Frame] = []
        if self._mode is _Mode.FRAME and self._buffer:
            frames.append(Frame(bytes(self._buffer)))
        self._buffer.clear()
        self._mode, self._tails = self._fresh, ()
        return frames

    def _step(self) -> bool:
        """False once more bytes are needed to go on."""
        return self._swallow_tail() if self._tails else self._steps[self._mode]()

    def _swallow_tail(self) -> bool:
        buffer = self._buffer
        if any(len(tail) > len(buffer) and tail.startswith(buffer) for tail in self._tails):
            return False
        tail = next((tail for tail in self._tails if buffer.startswith(tail)), b"")
        del buffer[: len(tail)]
        self._tails = ()
        return True

    def _seek_start(self) -> bool:
        start, heartbeat = self._profile.start, self._profile.heartbeat
        openings = [_opening(self._buffer, start)]
        if heartbeat is not None:
            openings.append(_opening(self._buffer, heartbeat.header))
        self._drop_noise(min(openings))
        if not self._buffer or (took := self._take_heartbeat()) is None:
            return False
        return took or self._take_start(start)

    def _take_start(self, start: bytes) -> bool:
        if self._buffer.startswith(start):
            del self._buffer[: len(start)]
            self._mode = _Mode.FRAME
            return True
        if start.startswith(self._buffer):
            return False
        self._drop_noise(1)
        return True

    def _take_heartbeat(self) -> bool | None:
        """Whether one stood at the front; None if the next bytes must tell."""
        if self._profile.heartbeat is None:
            return False
        length = _heartbeat_length(self._buffer, self._profile.heartbeat)
        if length:
            del self._buffer[:length]
            self._out.append(Frame(b"", heartbeat=True))
        return None if length is None else length > 0

    def _seek_end(self) -> bool:
        if not self._profile.start and (took := self._take_heartbeat()) is not False:
            return took is True
        hit = self._first_end(self._window)
        if self._restarted(hit[1] if hit else self._window):
            return True
        if hit:
            self._finish(*hit)
            return True
        if len(self._buffer) < self._window:
            return False
        self._overflow()
        return True

    def _restarted(self, before: int) -> bool:
        """A start within a frame: what came before it lost its end."""
        start = self._profile.start
        at = self._buffer.find(start, 0, before) if start else -1
        if at < 0:
            return False
        del self._buffer[: at + len(start)]
        self.truncated += 1
        return True

    def _finish(self, at: int, after: int) -> None:
        if at > self._profile.max_frame:
            self.overlong += 1
        else:
            self._out.append(Frame(bytes(self._buffer[:at])))
        self._drop_end(at, after)

    def _drop_end(self, at: int, after: int) -> None:
        end = bytes(self._buffer[at:after])
        self._tails = tuple(e[len(end) :] for e in self._ends if e.startswith(end) and e != end)
        del self._buffer[:after]
        self._mode = self._fresh

    def _overflow(self) -> None:
        """Drops a fixed number of bytes, whatever has arrived beyond: packets must not matter."""
        self.overlong += 1
        straddling = len(self._profile.start) or self._longest_end
        del self._buffer[: self._window - max(straddling - 1, 0)]
        self._mode = _Mode.IDLE if self._profile.start else _Mode.SKIP

    def _skip(self) -> bool:
        hit = self._first_end(len(self._buffer))
        if hit:
            self._drop_end(*hit)
            return True
        del self._buffer[: max(0, len(self._buffer) - max(self._longest_end - 1, 0))]
        return False

    def _first_end(self, window: int) -> tuple[int, int] | None:
        """Where the terminator that is complete first begins and ends."""
        best: tuple[int, int] | None = None
        for end in self._ends:
            at = self._buffer.find(end, 0, best[1] - 1 if best else window)
            if at >= 0:
                best = (at, at + len(end))
        return best

    def _drop_noise(self, count: int) -> None:
        self.noise_bytes += count
        del self._buffer[:count]


def _opening(buffer: bytearray, token: bytes) -> int:
    """Where the token stands or, at the end of the buffer, may be about to; else the length."""
    at = buffer.find(token)
    if at >= 0:
        return at
    tail = range(max(0, len(buffer) - len(token) + 1), len(buffer))
    return next((k for k in tail if token.startswith(buffer[k:])), len(buffer))


def _heartbeat_length(buffer: bytearray, heartbeat: Heartbeat) -> int | None:
    """The length of the heartbeat at the front, 0 if there is none, None if more must come."""
    header, terminator = heartbeat.header, heartbeat.terminator
    if not buffer.startswith(header):
        return None if header.startswith(buffer) and len(buffer) < len(header) else 0
    at = len(header)
    while at < len(buffer) and at - len(header) < MAX_COUNTER_DIGITS and 48 <= buffer[at] <= 57:
        at += 1
    rest = bytes(buffer[at : at + len(terminator)])
    if rest == terminator:
        return at + len(terminator)
    return None if terminator.startswith(rest) else 0

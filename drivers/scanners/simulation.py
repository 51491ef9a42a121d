"""What a simulated scanner is told to do, as data, and the bytes that it makes of a code."""

import base64
from collections.abc import AsyncIterable, AsyncIterator, Iterable
from enum import StrEnum
from random import Random

from pydantic import BaseModel, ConfigDict, Field, model_validator

from drivers.scanners.hid_device import EndKey, HidProtocol
from drivers.scanners.profiles import (
    PROFILES,
    Envelope,
    FrameProfile,
    ScannerModel,
    with_model_framing,
)

Chance = float
# None is a missed read.
Code = str | None
Codes = Iterable[Code] | AsyncIterable[Code]


class Faults(BaseModel):
    """Chances from 0 to 1, each drawn anew for each code."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    mangle: Chance = Field(default=0.0, ge=0, le=1)
    drop: Chance = Field(default=0.0, ge=0, le=1)
    duplicate: Chance = Field(default=0.0, ge=0, le=1)
    no_read: Chance = Field(default=0.0, ge=0, le=1)
    split: Chance = Field(default=0.0, ge=0, le=1)
    noise: Chance = Field(default=0.0, ge=0, le=1)


class PlayConfig(BaseModel):
    """What every simulated scanner is told, whatever carries its codes. `rate` in codes a second;
    None is as fast as the peer takes them, 0 pauses. `extended` is a DataMan's extended response
    mode. `seed` makes misfortune repeatable."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    model: ScannerModel = ScannerModel.GENERIC
    framing: FrameProfile = PROFILES[ScannerModel.GENERIC]
    extended: bool = False
    rate: float | None = Field(default=5.0, ge=0)
    heartbeat: bool = True
    faults: Faults = Faults()
    seed: int | None = None

    @model_validator(mode="before")
    @classmethod
    def _complete_framing(cls, data: object) -> object:
        return with_model_framing(data)


class SimulatorMode(StrEnum):
    """SERVE for a driver that dials, DIAL for one that listens."""

    SERVE = "serve"
    DIAL = "dial"


class SimulatorConfig(PlayConfig):
    """A scanner on TCP. With port 0 a serving simulator takes any free port."""

    mode: SimulatorMode = SimulatorMode.SERVE
    host: str = "127.0.0.1"
    port: int = Field(default=0, ge=0, le=65535)
    redial_s: float = Field(default=0.1, gt=0)


class DeviceSimulatorConfig(PlayConfig):
    """A scanner behind a device file, which the simulator makes at `path`. `replug_s` is how long
    it is gone when it is cut."""

    path: str = Field(min_length=1, max_length=255)
    replug_s: float = Field(default=0.1, gt=0)


class HidSimulatorConfig(DeviceSimulatorConfig):
    """`end` is the key typed after a code; `aim` the symbology id that a POS device reports."""

    protocol: HidProtocol = HidProtocol.KEYBOARD
    end: EndKey = EndKey.ENTER
    aim: str = Field(default="", max_length=3)


class Encoder:
    """A code to the bytes its scanner sends; written from the conventions, not from the framer."""

    def __init__(self, config: PlayConfig) -> None:
        self._profile = config.framing
        self._extended = config.extended and config.framing.envelope is Envelope.DMCC
        self._end = config.framing.ends[0] if config.framing.ends else b""
        self._serial = 0

    def encode(self, code: Code) -> bytes:
        profile = self._profile
        data = (no_read_of(profile) if code is None else code).encode(profile.encoding)
        if profile.gs_substitute and code is not None:
            data = data.replace(b"\x1d", profile.gs_substitute)
        if self._extended:
            self._serial += 1
            content = base64.b64encode(data) if profile.base64 else data
            data = b"||0:%d[1]%b" % (self._serial, content)
        return profile.start + data + self._end

    def heartbeat(self) -> bytes:
        """Empty where the profile has none."""
        beat = self._profile.heartbeat
        return beat.header + beat.terminator if beat else b""


def no_read_of(profile: FrameProfile) -> str:
    """What a device of that convention sends for a missed read."""
    pattern = next(iter(profile.no_read_patterns), "")
    return pattern[:-1] if len(pattern) > 1 and pattern.endswith("+") else pattern


def mangled(code: str, random: Random) -> str:
    """One character is another one: a code that was misread."""
    if not code:
        return "#"
    at = random.randrange(len(code))
    return code[:at] + ("#" if code[at] != "#" else "0") + code[at + 1 :]


def packets(data: bytes, random: Random) -> list[bytes]:
    """The bytes cut at random points, down to single ones."""
    cuts = sorted(random.sample(range(1, len(data)), min(len(data) - 1, random.randint(1, 8))))
    return [data[a:b] for a, b in zip([0, *cuts], [*cuts, len(data)], strict=True)]


async def one_by_one(codes: Codes) -> AsyncIterator[Code]:
    if isinstance(codes, AsyncIterable):
        async for code in codes:
            yield code
    else:
        for code in codes:
            yield code

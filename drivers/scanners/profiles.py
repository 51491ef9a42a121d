"""How each scanner model puts codes on the wire, as data; any part can be set per scanner."""

from collections.abc import Mapping
from enum import StrEnum
from typing import Annotated, Any, Literal, Self

from pydantic import Field, model_validator

from drivers.configuration import DeviceModel, WireBytes

Token = Annotated[WireBytes, Field(min_length=1, max_length=32)]


class ScannerModel(StrEnum):
    COGNEX_DATAMAN = "COGNEX_DATAMAN"
    HIKROBOT_ID = "HIKROBOT_ID"
    DATALOGIC_MATRIX = "DATALOGIC_MATRIX"
    DATALOGIC_HANDHELD = "DATALOGIC_HANDHELD"
    GENERIC = "GENERIC"


class Envelope(StrEnum):
    """What surrounds the code within a frame. DMCC takes both response modes of a DataMan: a
    frame with a `||checksum:id[status]` header is extended, any other is bare text."""

    NONE = "NONE"
    DMCC = "DMCC"


class AimPrefix(StrEnum):
    """A symbology id (`]d2`) before the code: left in the text, or taken off it."""

    KEEP = "KEEP"
    STRIP = "STRIP"


class Heartbeat(DeviceModel):
    """A frame that says only `I am here`: header, a counter of up to 10 digits or none,
    terminator. Without an interval and a silence it is recognised but not demanded."""

    header: Token
    terminator: Token
    interval_s: float | None = Field(default=None, gt=0, le=3600)
    silence_s: float | None = Field(default=None, gt=0, le=86400)

    @property
    def longest_silence_s(self) -> float | None:
        """Three intervals unless set: one beat late and one lost are no outage."""
        if self.silence_s is not None or self.interval_s is None:
            return self.silence_s
        return 3 * self.interval_s

    @model_validator(mode="after")
    def _can_be_told_apart(self) -> Self:
        if self.header == self.terminator:
            raise ValueError("header and terminator must differ")
        if self.terminator[:1].isdigit():
            raise ValueError("a terminator that begins with a digit reads as the counter")
        return self


class FrameProfile(DeviceModel):
    """One convention. `no_read_patterns` are literals, any case; one that ends in `+` stands for
    itself once or more. `quiet_gap_s` ends a frame by silence, for devices without terminator."""

    start: Annotated[WireBytes, Field(max_length=32)] = b""
    ends: tuple[Token, ...] = (b"\r\n", b"\r", b"\n")
    no_read_patterns: tuple[Annotated[str, Field(min_length=1, max_length=64)], ...] = (
        "NOREAD",
        "ERROR",
        "?+",
        "\x18",
    )
    empty_is_no_read: bool = True
    heartbeat: Heartbeat | None = None
    encoding: Literal["latin-1", "utf-8"] = "latin-1"
    gs_substitute: Token | None = None
    aim_prefix: AimPrefix = AimPrefix.KEEP
    envelope: Envelope = Envelope.NONE
    base64: bool = False
    list_separator: Token | None = None
    quiet_gap_s: float | None = Field(default=None, gt=0, le=10)
    max_frame: int = Field(default=4096, ge=16, le=65536)

    @model_validator(mode="after")
    def _frames_can_end(self) -> Self:
        if not self.ends and self.quiet_gap_s is None:
            raise ValueError("ends: at least one, or a quiet_gap_s")
        if self.start and self.quiet_gap_s is not None:
            raise ValueError("quiet_gap_s: only without a start")
        if self.start and any(self.start in end or end in self.start for end in self.ends):
            raise ValueError("start: must not be part of an end, nor hold one")
        return self


# GENERIC takes what most devices send as they come: text and any line end, or text and ETX.
# DATALOGIC_MATRIX has no heartbeat here because its header is the installer's choice.
# HIKROBOT_ID: the default text of a no-read differs by firmware; both known spellings match.
# DATALOGIC_HANDHELD is triggered by a person, so an empty line is never a missed bottle.
PROFILES: Mapping[ScannerModel, FrameProfile] = {
    ScannerModel.GENERIC: FrameProfile(ends=(b"\r\n", b"\r", b"\n", b"\x03")),
    ScannerModel.COGNEX_DATAMAN: FrameProfile(ends=(b"\r\n",), envelope=Envelope.DMCC, base64=True),
    ScannerModel.DATALOGIC_MATRIX: FrameProfile(
        start=b"\x02", ends=(b"\r\n",), no_read_patterns=("?+", "NOREAD", "\x18")
    ),
    ScannerModel.HIKROBOT_ID: FrameProfile(),
    ScannerModel.DATALOGIC_HANDHELD: FrameProfile(no_read_patterns=(), empty_is_no_read=False),
}
_MODELS = frozenset(ScannerModel)
_NAMES: Mapping[str, str] = {
    str(part.alias): name for name, part in FrameProfile.model_fields.items()
}


def with_model_framing(data: object) -> object:
    """For a settings model with `model` and `framing`: what the framing leaves unsaid is the
    model's own. Whatever is not of the right shape is left for pydantic to refuse."""
    if not isinstance(data, Mapping):
        return data
    given = data.get("framing") or {}
    model = data.get("model", ScannerModel.GENERIC)
    if not isinstance(given, Mapping) or not isinstance(model, str) or model not in _MODELS:
        return data
    said = {_NAMES.get(part, part): value for part, value in given.items()}
    merged: dict[str, Any] = {**PROFILES[ScannerModel(model)].model_dump(), **said}
    return {**data, "framing": merged}

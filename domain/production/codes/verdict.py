"""The result of reading a code, and the two ways of making one."""

from collections.abc import Mapping
from dataclasses import dataclass, field

from domain.production.codes.forms import Parts
from domain.production.codes.normalise import Normalised
from domain.production.codes.profiles import CodeProfile
from domain.production.codes.reasons import CodeReason, CodeWarning, message_for

_NOTHING = Normalised("")
_CHECK_DIGIT_FAILED = (CodeWarning.CHECK_DIGIT_FAILED,)


@dataclass(frozen=True, slots=True)
class Reading:
    """The verdict on one frame; `reason` None means accepted.

    `raw` is what came, verbatim. `normalised` has real separators and no frame. The parts are set
    on accepted readings only: a product has `gtin` (14 digits) and `serial`, a pallet has `sscc`.
    `proof` is the stretch of `normalised` from the first to the last proof element, identifiers
    included, or a bare tail. `elements` maps an AI, or the name of a positional element, to its
    value. `candidates` are profile names: those that fit (AMBIGUOUS, BAD_CHECK_DIGIT, OUT_OF_DATE)
    or claim the code (WRONG_INDUSTRY).
    """

    raw: str
    normalised: str
    reason: CodeReason | None = None
    message: str = ""
    profile: str | None = None
    candidates: tuple[str, ...] = ()
    gtin: str | None = None
    serial: str | None = None
    sscc: str | None = None
    proof: str = ""
    elements: Mapping[str, str] = field(default_factory=dict, hash=False)
    gs_lost: bool = False
    gs_replaced: bool = False
    symbology_id: str | None = None
    warnings: tuple[CodeWarning, ...] = ()

    @property
    def ok(self) -> bool:
        return self.reason is None

    @property
    def is_pallet(self) -> bool:
        return self.sscc is not None

    @property
    def identity(self) -> str | None:
        """The uniqueness key of a product's code; None for a pallet and for a refused code."""
        if self.gtin is None or self.serial is None:
            return None
        return f"01{self.gtin}21{self.serial}"


def accepted(
    raw: str,
    text: str,
    profile: CodeProfile,
    parts: Parts,
    *,
    gs_lost: bool = False,
    check_digit_held: bool = True,
    sent_as: Normalised = _NOTHING,
) -> Reading:
    """`text` is what was read, `sent_as` tells how it came."""
    return Reading(
        raw,
        text,
        None,
        "",
        profile.name,
        (),
        parts.gtin,
        parts.serial,
        parts.sscc,
        parts.proof,
        parts.elements,
        gs_lost,
        sent_as.gs_replaced,
        sent_as.symbology_id,
        () if check_digit_held else _CHECK_DIGIT_FAILED,
    )


def refused(
    raw: str,
    reason: CodeReason,
    candidates: tuple[str, ...] = (),
    about: tuple[str, ...] = (),
    *,
    sent_as: Normalised = _NOTHING,
) -> Reading:
    """`about` is what the message names."""
    return Reading(
        raw,
        sent_as.text,
        reason,
        message_for(reason, about),
        candidates=candidates,
        gs_replaced=sent_as.gs_replaced,
        symbology_id=sent_as.symbology_id,
    )

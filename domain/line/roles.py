"""What each scanner is on the line for, as data. Pure."""

from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum
from typing import Final

from domain.line.models import ScannerRole
from domain.production.commands import ScanPurpose
from domain.production.models import BottleStatus
from domain.production.repository.scan_store import ScanOutcome


class Effect(StrEnum):
    """What a good reading changes. PASS changes nothing: it only lets sound bottles by."""

    MAKE = "MAKE"
    TAKE_OUT = "TAKE_OUT"
    VERIFY = "VERIFY"
    PASS = "PASS"  # noqa: S105 - no password
    PACK = "PACK"
    PALLETISE = "PALLETISE"
    CONFIRM = "CONFIRM"


@dataclass(frozen=True, slots=True)
class Role:
    """`labels`: what is read there need not be a bottle's code."""

    effect: Effect
    purpose: ScanPurpose
    labels: bool = False


ROLES: Final[Mapping[ScannerRole, Role]] = {
    ScannerRole.ADD: Role(Effect.MAKE, ScanPurpose.MAKE),
    ScannerRole.REMOVE: Role(Effect.TAKE_OUT, ScanPurpose.CHECK),
    ScannerRole.VERIFY_LOCAL_BUFFER: Role(Effect.VERIFY, ScanPurpose.CHECK),
    ScannerRole.REJECTION: Role(Effect.PASS, ScanPurpose.CHECK),
    ScannerRole.PACKAGE: Role(Effect.PACK, ScanPurpose.CHECK, labels=True),
    ScannerRole.BOX: Role(Effect.PALLETISE, ScanPurpose.LABEL, labels=True),
    ScannerRole.REJECTION_FEEDBACK: Role(Effect.CONFIRM, ScanPurpose.CHECK),
}

# What may go on down the line: whole, and not withdrawn.
SOUND: Final = frozenset(BottleStatus) - {BottleStatus.REJECTED, BottleStatus.DELETED}


@dataclass(frozen=True, slots=True)
class Verdict:
    """What the line makes of one reading. `reason` is a word for programs where it is bad."""

    good: bool
    reason: str | None = None
    message: str | None = None


GOOD: Final = Verdict(True)


def of_made(done: ScanOutcome) -> Verdict:
    """A bottle comes of a good code that was not there before."""
    scan = done.scan
    return Verdict(scan.valid and not scan.duplicate, scan.reason, scan.message)


def of_checked(done: ScanOutcome) -> Verdict:
    """A sound bottle of ours."""
    if not done.scan.valid:
        return Verdict(False, done.scan.reason, done.scan.message)
    if done.bottle is None:
        return Verdict(False, "UNKNOWN", "No bottle has this code")
    if done.bottle.status not in SOUND:
        status = BottleStatus(done.bottle.status).name
        return Verdict(False, status, f"The bottle is {status}")
    return GOOD

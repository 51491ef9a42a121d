"""What only one configuration may have for itself, across all kinds of devices."""

from collections.abc import Hashable, Iterable
from dataclasses import dataclass

from domain.kernel.errors import ValidationFailed


@dataclass(frozen=True, slots=True)
class Claim:
    """`resource` is compared with ==; `field` is the dotted path of the setting that names it,
    `owner` the name of the device for people."""

    resource: Hashable
    field: str
    owner: str


def refuse_shared(claims: Iterable[Claim]) -> None:
    """Raises ValidationFailed for the field of the second claim to one resource."""
    taken: dict[Hashable, str] = {}
    for claim in claims:
        if claim.resource in taken:
            raise ValidationFailed(claim.field, f"already used by {taken[claim.resource]}")
        taken[claim.resource] = claim.owner


def serial_device(device: str) -> Hashable:
    """The resource of a serial port, whatever speaks on it: scanners, PLCs."""
    return ("serial", device)

"""What only one configuration may have for itself, or all in the same way, of any kind."""

from collections.abc import Hashable, Iterable
from dataclasses import dataclass

from domain.kernel.errors import ValidationFailed


@dataclass(frozen=True, slots=True)
class Claim:
    """`resource` is compared with ==; `field` is the dotted path of the setting that names it,
    `owner` the name of the device for people. Those that name the same `shared_as` share it: the
    units on one bus, if they speak to it in the same way."""

    resource: Hashable
    field: str
    owner: str
    shared_as: Hashable | None = None


def refuse_shared(claims: Iterable[Claim]) -> None:
    """Raises ValidationFailed for the field of the second claim to one resource."""
    taken: dict[Hashable, Claim] = {}
    for claim in claims:
        first = taken.setdefault(claim.resource, claim)
        if first is claim or (claim.shared_as and claim.shared_as == first.shared_as):
            continue
        otherwise = ", with other settings" if claim.shared_as and first.shared_as else ""
        raise ValidationFailed(claim.field, f"already used by {first.owner}{otherwise}")


def serial_device(device: str) -> Hashable:
    """The resource of a serial port, whatever speaks on it: scanners, PLCs."""
    return ("serial", device)

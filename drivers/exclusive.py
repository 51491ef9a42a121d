"""What only one configuration may have for itself, across all kinds of devices."""

from collections.abc import Hashable, Iterable
from dataclasses import dataclass

from domain.kernel.errors import ValidationFailed


@dataclass(frozen=True, slots=True)
class Claim:
    """`resource` is compared with ==; `field` is the dotted path of the setting that names it,
    `owner` the name of the device for people. Claims of one `sharing` get along, such as those of
    one bus whose users take turns and mean the same by its settings; None shares with nobody."""

    resource: Hashable
    field: str
    owner: str
    sharing: Hashable | None = None


def refuse_shared(claims: Iterable[Claim]) -> None:
    """Raises ValidationFailed for the field of the second claim to one resource."""
    taken: dict[Hashable, Claim] = {}
    for claim in claims:
        first = taken.setdefault(claim.resource, claim)
        if first is not claim and (claim.sharing is None or claim.sharing != first.sharing):
            raise ValidationFailed(claim.field, f"already used by {first.owner}")


def serial_device(device: str) -> Hashable:
    """The resource of a serial port, whatever speaks on it: scanners, PLCs."""
    return ("serial", device)

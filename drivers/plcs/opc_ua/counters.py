"""What a driver of an OPC UA controller counts."""

from collections.abc import Mapping
from dataclasses import asdict, dataclass


@dataclass(slots=True)
class OpcUaCounters:
    """Since the driver was made. `overflowed`: values that the server dropped before they were
    published; `refused`: tags that could not be had, told once each time it came to be so."""

    publishings: int = 0
    changes: int = 0
    overflowed: int = 0
    refused: int = 0
    reads: int = 0
    writes: int = 0

    def by_name(self) -> Mapping[str, int]:
        return asdict(self)

"""What can be asked of exports. Times are microseconds since the epoch, UTC."""

from typing import Annotated, Final, Self

from pydantic import Field

from domain.kernel.clock import SECOND_US
from domain.kernel.commands import Command
from domain.production.commands import ScanFilter

DAY_US: Final = 24 * 3_600 * SECOND_US
SCANS: Final = "scans"
"""The layout that the graph's files have."""
Moment = Annotated[int, Field(ge=0, le=2**62)]


class ExportScans(Command):
    """Of when they were read: `from_us` is included, `to_us` is not. A window that ends before it
    begins holds nothing."""

    from_us: Moment
    to_us: Moment
    layout: str = SCANS

    @classmethod
    def within(
        cls, now_us: int, from_us: int | None, to_us: int | None, layout: str = SCANS
    ) -> Self:
        """Of the last day where nothing is said."""
        return cls.of(
            from_us=now_us - DAY_US if from_us is None else from_us,
            to_us=now_us if to_us is None else to_us,
            layout=layout,
        )

    def wanted(self) -> ScanFilter:
        return ScanFilter(scanned_from_us=self.from_us, scanned_to_us=self.to_us)

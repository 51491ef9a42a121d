"""What a job is, as Insight has it: it runs from a scan that starts with `start_barcode` to the
next one that starts with `end_barcode` at the same gateway; a second start replaces the first."""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass

from domain.jobs.rows import JobRow, ReadRow


@dataclass(slots=True)
class OpenJob:
    """One gateway's scans in, jobs out, in the order of time. Nothing but the last start is kept,
    and behind a job's end not even that: from there on it may be gone on with anew.

    A scan that fits both barcodes ends the job that is open, else it begins one."""

    start_barcode: str
    end_barcode: str
    started: ReadRow | None = None

    def ended(self, reads: Iterable[ReadRow]) -> Iterator[JobRow]:
        """The jobs that these scans end."""
        for read in reads:
            if self.started is not None and read.code.startswith(self.end_barcode):
                yield JobRow(
                    self.started.scan_id,
                    self.started.occurred_at_us,
                    read.scan_id,
                    read.occurred_at_us,
                )
                self.started = None
            elif read.code.startswith(self.start_barcode):
                self.started = read

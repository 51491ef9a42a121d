"""The one way a read becomes a scan and a bottle, whichever door it came in by."""

from collections import Counter
from collections.abc import Sequence
from dataclasses import replace
from random import Random

from domain.kernel.actor import Actor
from domain.kernel.clock import Clock
from domain.kernel.groupcommit import GroupCommit
from domain.kernel.ids import new_id
from domain.kernel.text import is_storable, storable
from domain.kernel.uow import WakeUps
from domain.production.codes import (
    CodeReason,
    Confidence,
    ProfileCatalogue,
    Reading,
    generate_code,
    read_code,
)
from domain.production.codes.reasons import message_for
from domain.production.commands import RecordScan, ScanPurpose
from domain.production.repository.scan_store import JudgedScan, ScanOutcome, ScanStore


class SiteCodes:
    """What this site's industry makes of a code; nothing is stored."""

    def __init__(self, catalogue: ProfileCatalogue, industry: str, clock: Clock) -> None:
        catalogue.matcher(industry)  # an unknown industry is refused at the start
        self.catalogue = catalogue
        self.industry = industry
        self._clock = clock
        self._random = Random()  # noqa: S311 - examples for testing, nothing secret

    def read(self, code: str) -> Reading:
        return read_code(code, self.industry, self.catalogue, self._clock.now_us())

    def example(self, industry: str | None = None) -> str:
        """A fresh valid code of the industry's main profile. Raises ValidationFailed."""
        profiles = self.catalogue.profiles_of(industry or self.industry)
        main = next(p for p in profiles if p.confidence is not Confidence.DOCUMENTED)
        return generate_code(main, self._random)


class ScanIntake:
    """Judges each read at once and commits them in groups; one per process."""

    def __init__(
        self, store: ScanStore, codes: "SiteCodes", clock: Clock, wakeups: WakeUps
    ) -> None:
        self.codes = codes
        self._store = store
        self._clock = clock
        self._wakeups = wakeups
        self.enabled = True
        """While it is not, every read is kept and answered, and none makes a bottle."""
        self.committed: Counter[str] = Counter()
        """How many, by verdict: accepted, duplicate, refused, disabled; checked for
        what could not have made a bottle. Repeated is what was stored before."""
        self._group: GroupCommit[JudgedScan, ScanOutcome] = GroupCommit(self._write)

    async def submit(self, actor: Actor, command: RecordScan) -> ScanOutcome:
        """Returns when scan, bottle and fact are on disk. Every read is kept, whatever it is
        worth; Unavailable means that nothing was stored. Raises ValidationFailed for a line, a
        scanner or a time that there cannot be."""
        command.check()
        return await self._group.submit(self._judge(actor.customer_id, command))

    @property
    def waiting(self) -> int:
        """Scans that are taken and not yet being written."""
        return len(self._group)

    async def close(self) -> None:
        await self._group.close()
        await self._store.close()

    def _judge(self, customer_id: int, command: RecordScan) -> JudgedScan:
        if not is_storable(command.code):
            command = replace(command, code=storable(command.code))
        if command.purpose is ScanPurpose.LABEL and not command.no_read:
            return self._judged(customer_id, command)
        reading = self.codes.read("" if command.no_read else command.code)
        if command.purpose is ScanPurpose.OBSERVE:
            return self._judged(customer_id, command, reading if reading.ok else None)
        if reading.ok and not self.enabled:
            message = message_for(CodeReason.DISABLED)
            reading = replace(reading, reason=CodeReason.DISABLED, message=message)
        return self._judged(customer_id, command, reading)

    def _judged(
        self, customer_id: int, command: RecordScan, reading: Reading | None = None
    ) -> JudgedScan:
        refused = reading.reason if reading else None
        return JudgedScan(
            customer_id=customer_id,
            command=command,
            scan_id=new_id(),
            bottle_id=new_id(),
            now_us=self._clock.now_us(),
            gtin=reading.gtin if reading else None,
            serial=reading.serial if reading and refused is None else None,
            reason=None if refused is None else str(refused),
            message=(reading.message or None) if reading else None,
        )

    async def _write(self, batch: Sequence[JudgedScan]) -> Sequence[ScanOutcome]:
        outcomes = await self._store.write(batch)
        self.committed.update(map(_verdict, batch, outcomes))
        self._wakeups.announce()
        return outcomes


def _verdict(judged: JudgedScan, done: ScanOutcome) -> str:
    if done.repeated:
        return "repeated"
    if not judged.makes:
        return "checked"
    if done.scan.duplicate:
        return "duplicate"
    if done.scan.reason == CodeReason.DISABLED:
        return "disabled"
    return "accepted" if done.scan.valid else "refused"

"""Role by role: what a reading changes, and what follows from it."""

import asyncio
from collections.abc import Callable, Coroutine, Sequence
from dataclasses import dataclass
from typing import Any, Final

import structlog

from domain.journal.models import PRODUCTION, Severity
from domain.kernel.actor import Actor, system_actor
from domain.kernel.clock import Clock
from domain.kernel.errors import Conflict, DomainError, NotFound
from domain.kernel.uow import Transactions, UnitOfWork
from domain.line.alarms.models import AlarmKind
from domain.line.operations import stations
from domain.line.operations.accumulation import Accumulation
from domain.line.operations.stations import Place
from domain.line.plan import LinePlan, PrintOrder, Scalar
from domain.line.ports import LineStatus
from domain.line.rejects import Sighting
from domain.line.roles import GOOD, ROLES, Effect, Role, Verdict, of_checked, of_made
from domain.production.codes import CodeReason
from domain.production.commands import RecordScan, ScanPurpose, VerifyCode
from domain.production.models import ScanSource
from domain.production.operations import buffer
from domain.production.operations.scans import ScanIntake
from domain.production.repository.scan_store import ScanOutcome
from drivers.scanners.port import OnReading, Reading, ScannerConfig
from oktograph.edge.pipeline.book import LineBook, Note
from oktograph.edge.pipeline.line import LineRun
from oktograph.edge.pipeline.outputs import Outputs, Shown, Write

logger = structlog.get_logger(__name__)
Print = Callable[[PrintOrder, dict[str, str]], Coroutine[Any, Any, None]]
NO_PACKING: Final = Accumulation(0, 0, "2000000", "")


@dataclass(frozen=True, slots=True)
class Surroundings:
    """What the pipeline acts on, beyond the database."""

    write: Write
    shown: Shown
    print: Print


class Pipeline:
    """Configured before the first reading, and again in place: what is under way goes on."""

    def __init__(
        self,
        scans: ScanIntake,
        transactions: Transactions,
        customer_id: int,
        clock: Clock,
        around: Surroundings,
    ) -> None:
        self.book = LineBook(transactions, customer_id)
        self._scans = scans
        self._transactions = transactions
        self._customer_id = customer_id
        self._clock = clock
        self._around = around
        self._outputs = Outputs(around.write, around.shown, clock, self._output_failed)
        self._lines: dict[str, LineRun] = {}
        self._tasks: set[asyncio.Task[None]] = set()
        self._stopping = False
        self.packing = NO_PACKING
        self.on_change: Callable[[], None] = lambda: None
        self.book.on_alarm = self._stop_where_told

    async def start(self) -> None:
        await self.book.start()

    async def stop(self) -> None:
        """Pulses end, what was told to go later is given up, and the book is written."""
        self._stopping = True
        for run in self._lines.values():
            run.close()
        for task in list(self._tasks):
            task.cancel()
        if self._tasks:
            await asyncio.wait(self._tasks)
        await self._outputs.close()
        await self.book.stop()

    def configure(self, plans: Sequence[LinePlan]) -> None:
        """Lines that are there already keep their state and what is on its way."""
        wanted = {plan.id: plan for plan in plans}
        for gone in set(self._lines) - set(wanted):
            self._lines.pop(gone).close()
        for line_id, plan in wanted.items():
            if line_id in self._lines:
                self._lines[line_id].replan(plan)
            else:
                self._lines[line_id] = LineRun(
                    plan, self.book, self._outputs, self._clock, self._spawn, self._notify
                )
        self._notify()

    # For the hardware

    def reader(self, config: ScannerConfig) -> OnReading:
        actor = system_actor(config.name, self._customer_id)
        role = ROLES[config.role]

        async def on_reading(reading: Reading) -> bool | None:
            return await self._read(config, role, actor, reading)

        return on_reading

    def tag_shown(self, tag: str, value: Scalar | None) -> None:
        """Every change of a tag that is read; null while it is not known."""
        self._outputs.tag_shown(tag, value)
        for run in self._lines.values():
            run.tag_shown(tag, value)

    def pressed(self, button: str) -> bool:
        """Whether it is one that acknowledges alarms, too."""
        acknowledges = False
        for run in self._lines.values():
            buttons = run.plan.buttons
            if button == buttons.stop:
                run.stop(f"button {button}")
            elif button == buttons.start:
                run.start()
            acknowledges |= button == buttons.acknowledge
        return acknowledges

    # For people

    def lines(self) -> list[LineStatus]:
        return [run.status for run in self._lines.values()]

    def pending(self, line_id: str) -> int:
        """Rejects that were not seen gone yet. Raises NotFound."""
        return self._run(line_id).pending

    def stop_line(self, line_id: str, reason: str) -> LineStatus:
        run = self._run(line_id)
        run.stop(reason)
        return run.status

    def start_line(self, line_id: str) -> LineStatus:
        run = self._run(line_id)
        run.start()
        return run.status

    # A reading

    async def _read(
        self, config: ScannerConfig, role: Role, actor: Actor, reading: Reading
    ) -> bool:
        done = await self._scans.submit(actor, self._command(config, role, reading))
        if done.scan.reason == CodeReason.DISABLED:
            return False
        verdict = await self._verdict(config, role, actor, reading, done)
        run = self._lines.get(config.line_id or "")
        if run is not None:
            run.watch(config.index, config.key, reading)
            self._follow(run, config, reading, done, verdict)
        return verdict.good

    def _command(self, config: ScannerConfig, role: Role, reading: Reading) -> RecordScan:
        return RecordScan(
            code=reading.text,
            scanned_at_us=reading.received_at_us,
            line_id=config.line_id,
            scanner_index=config.index,
            source=ScanSource.SCANNER,
            no_read=reading.no_read,
            purpose=self._purpose(role, reading),
        )

    def _purpose(self, role: Role, reading: Reading) -> ScanPurpose:
        """A label is no bad code of a bottle."""
        if role.labels and not self._scans.codes.read(reading.text).ok:
            return ScanPurpose.LABEL
        return role.purpose

    async def _verdict(
        self,
        config: ScannerConfig,
        role: Role,
        actor: Actor,
        reading: Reading,
        done: ScanOutcome,
    ) -> Verdict:
        if role.effect is Effect.MAKE:
            return of_made(done)
        if role.effect is Effect.CONFIRM:
            return await self._confirmed(config, actor, reading, done)
        if reading.no_read:
            return Verdict(False, done.scan.reason, done.scan.message)
        if role.effect is Effect.PASS:
            return of_checked(done)
        return await self._changed(config, role.effect, actor, done)

    async def _changed(
        self, config: ScannerConfig, effect: Effect, actor: Actor, done: ScanOutcome
    ) -> Verdict:
        """In one unit of work. What contradicts the bottle's or the batch's state is a verdict."""
        checked = of_checked(done)
        if effect is Effect.TAKE_OUT and not checked.good:
            return checked
        try:
            async with self._transactions.begin(actor) as work:
                return await self._change(work, config, effect, done)
        except Conflict as error:
            return Verdict(False, "CONFLICT", error.message)

    async def _change(
        self, work: UnitOfWork, config: ScannerConfig, effect: Effect, done: ScanOutcome
    ) -> Verdict:
        place = Place(self.packing, config.line_id)
        text = done.scan.code
        if effect is Effect.VERIFY:
            return await self._verified(work, config, text)
        if effect is Effect.PALLETISE:
            return await stations.read_box(work, place, text)
        if done.bottle is not None and effect is Effect.TAKE_OUT:
            return await stations.take_out(work, done.bottle)
        if done.bottle is not None:
            return await stations.pack_bottle(work, place, done.bottle)
        if done.scan.gtin is not None:
            return Verdict(False, "UNKNOWN", "No bottle has this code")
        return await stations.close_package(work, place, text)

    async def _verified(self, work: UnitOfWork, config: ScannerConfig, code: str) -> Verdict:
        command = VerifyCode.of(code=code, consumed_by=config.name)
        found = await buffer.verify(work, command, self._scans.codes.read)
        return GOOD if found.verified else Verdict(False, str(found.verdict), found.message)

    async def _confirmed(
        self, config: ScannerConfig, actor: Actor, reading: Reading, done: ScanOutcome
    ) -> Verdict:
        """What nobody told to go is out of production all the same: it lies in the bin."""
        run = self._lines.get(config.line_id or "")
        sighting = Sighting.UNEXPECTED if run is None else run.seen_in_bin(reading)
        if sighting is Sighting.CONFIRMED:
            return GOOD
        if sighting is Sighting.WRONG and of_checked(done).good and done.bottle is not None:
            bottle = done.bottle
            try:
                async with self._transactions.begin(actor) as work:
                    await stations.take_out(work, bottle)
            except Conflict as error:
                logger.warning("not taken out", bottle=bottle.id, cause=error.message)
        return Verdict(False, str(sighting.value))

    # What follows

    def _follow(
        self,
        run: LineRun,
        config: ScannerConfig,
        reading: Reading,
        done: ScanOutcome,
        verdict: Verdict,
    ) -> None:
        station = run.plan.station(config.index)
        if station is None:
            return
        if not verdict.good:
            if station.reject is not None and (station.reject_no_reads or not reading.no_read):
                run.reject(config.index, station.reject, reading, verdict.reason)
            return
        for output in station.accept:
            self._spawn(self._accept(output, reading.received_at_us), f"accept {output.tag}")
        if station.print is not None:
            known = {
                "code": done.scan.code,
                "gtin": done.scan.gtin or "",
                "serial": done.bottle.serial if done.bottle else "",
                "line": config.line_id or "",
            }
            self._spawn(self._print(station.print, known, config.key), "print")

    async def _accept(self, output: Any, read_at_us: int) -> None:
        try:
            start = self._outputs.start_of(output)
            await self._outputs.fire(output, read_at_us, start)
        except DomainError as error:
            self._output_failed(output.tag, error)
        else:
            self.book.clear_alarm(AlarmKind.OUTPUT_FAILED, output.tag)

    async def _print(self, order: PrintOrder, known: dict[str, str], source: str) -> None:
        try:
            await self._around.print(order, known)
        except DomainError as error:
            message = f"Not printed: {known.get('code', '')}: {error.message}"
            self.book.note(Note(message, source, PRODUCTION, Severity.ERROR))

    def _output_failed(self, tag: str, error: DomainError) -> None:
        self.book.raise_alarm(AlarmKind.OUTPUT_FAILED, tag, f"Not written: {error.message}")

    def _stop_where_told(self, kind: AlarmKind, source: str, active: bool) -> None:
        """An alarm of a device stops every line that names its kind: what feeds it, it feeds."""
        if not active or kind is AlarmKind.LINE_STOPPED:
            return
        for run in self._lines.values():
            of_another_line = source in self._lines and source != run.plan.id
            if kind in run.plan.stop_on and not of_another_line:
                run.stop(f"{kind} of {source}")

    def _notify(self) -> None:
        self.on_change()

    def _run(self, line_id: str) -> LineRun:
        if line_id not in self._lines:
            raise NotFound("Line", line_id)
        return self._lines[line_id]

    def _spawn(self, work: Coroutine[Any, Any, None], name: str) -> None:
        if self._stopping:
            work.close()
            return
        task = asyncio.create_task(work, name=name)
        self._tasks.add(task)
        task.add_done_callback(self._ended)

    def _ended(self, task: "asyncio.Task[None]") -> None:
        self._tasks.discard(task)
        if task.cancelled():
            # By whom? What it was to do has not been done, and nobody else says so.
            if not self._stopping:
                logger.error("line task cancelled", task=task.get_name())
        elif error := task.exception():
            logger.error("line task broke", task=task.get_name(), exc_info=error)

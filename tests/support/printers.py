"""A printer driver and the simulator it talks to, on a real socket."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from typing import Any

from domain.kernel.errors import DomainError
from drivers.backoff import BackoffPolicy
from drivers.link import LinkState, StateChange
from drivers.printers.build import printer
from drivers.printers.jobs import Confirmation, Document, PrintJob, Receipt
from drivers.printers.port import AnyPrinterConfig, PrinterPort, parse_printer
from drivers.printers.simulator import PrinterSimulator, PrinterSimulatorConfig
from drivers.printers.status import PrinterCondition
from drivers.printers.templates import LabelTemplate, compile_template
from drivers.supervised import SupervisedTask
from tests.support.waiting import DEADLINE_S, eventually

QUICK = BackoffPolicy(base_s=0.02, cap_s=0.05, floor_s=0.01, stable_s=60.0)
MILK = "0104600605032541215B,LN)<\x1d93gJXT"
# Under one second in all, and far above what an answer on this machine takes.
TIMES = {"reply_timeout_s": 0.3, "poll_s": 0.05, "job_timeout_s": 0.8, "label_s": 0.3}

RULES = [
    {"condition": "PRINTING", "text": "1", "field": 1},
    {"condition": "PAUSED", "text": "2", "field": 1},
    {"condition": "MEDIA_OUT", "text": "MEDIA", "field": 2},
    {"condition": "RIBBON_OUT", "text": "RIBBON", "field": 2},
    {"condition": "HEAD_OPEN", "text": "HEAD", "field": 2},
]
LINES = {"print_command": "PRN", "status_command": "GST", "status_rules": RULES}
FRAMED = {
    "start": "\\x1b",
    "terminator": "\\x04",
    "reply_terminator": "",
    "acknowledge": "\\x06",
    "refuse": "\\x15",
    "print_command": "GO",
}

ZPL_BODY = "^XA^FO10,10^FD{{name}}^FS^FO10,50^BXN,6,200,,,,_^FD{{code}}^FS^XZ"
TSPL_BODY = (
    "SIZE 60 mm,40 mm\nCODEPAGE UTF-8\nCLS\n"
    'TEXT 10,10,"3",0,1,1,"{{name}}"\nDMATRIX 10,50,200,200,c126,x6,"{{code}}"\nPRINT 1,1\n'
)
TEXT_BODY = "NAME|{{name}}\nCODE|{{code}}\n"
BODIES = {"ZPL": ZPL_BODY, "TSPL": TSPL_BODY, "TEXT": TEXT_BODY}
PARAMETERS = [{"name": "name"}, {"name": "code", "type": "gs1"}]


@dataclass(frozen=True)
class Kind:
    """One kind of printer. `is_asked`: its state can be had; `survives_silence`: it stays
    connected without an answer."""

    name: str
    model: str
    confirmation: Confirmation
    parameters: dict[str, Any] = field(default_factory=dict)
    simulated: dict[str, Any] = field(default_factory=dict)
    is_asked: bool = True
    survives_silence: bool = False

    def __str__(self) -> str:
        return self.name


KINDS = (
    Kind("zpl", "ZPL", Confirmation.PRINTED, survives_silence=True),
    Kind(
        "zpl-answering",
        "ZPL",
        Confirmation.PRINTED,
        simulated={"silent_when_held": False},
        survives_silence=True,
    ),
    Kind("zpl-one-way", "ZPL", Confirmation.WRITTEN, {"host_status": False}, is_asked=False),
    Kind("tspl-byte", "TSPL", Confirmation.PRINTED),
    Kind("tspl-frame", "TSPL", Confirmation.PRINTED, {"status_query": "FRAME"}),
    Kind("text-lines", "TEXT", Confirmation.ACCEPTED, LINES),
    Kind("text-done", "TEXT", Confirmation.PRINTED, {**LINES, "done": "PRC"}),
    Kind("text-framed", "TEXT", Confirmation.ACCEPTED, FRAMED, is_asked=False),
)
ZPL, ANSWERING, ONE_WAY, TSPL, TSPL_FRAME, LINE_CODER, DONE_CODER, FRAMED_CODER = KINDS
ASKED = tuple(kind for kind in KINDS if kind.is_asked)


# For jobs that are to be waited for, however long.
LONG: dict[str, Any] = {"job_timeout_s": 8.0, "label_s": 8.0}


class Alarms:
    """What was told of the printer's conditions, in order."""

    def __init__(self) -> None:
        self.told: list[tuple[PrinterCondition, bool]] = []
        self.messages: list[str] = []

    async def __call__(self, condition: PrinterCondition, active: bool, message: str) -> None:
        self.told.append((condition, active))
        self.messages.append(message)

    @property
    def active(self) -> set[PrinterCondition]:
        return {condition for condition, holds in dict(self.told).items() if holds}

    async def are(self, *conditions: PrinterCondition) -> None:
        await eventually(lambda: self.active == set(conditions))


@dataclass
class Rig:
    """One printer under supervision and its peer."""

    kind: Kind
    config: AnyPrinterConfig
    simulator: PrinterSimulator
    task: SupervisedTask
    driver: PrinterPort
    alarms: Alarms
    changes: list[StateChange]
    job_count: int = 0

    def document(self, name: str = "Milk", copies: int | None = None) -> Document:
        return document(self.config, name, copies)

    async def print(self, name: str = "Milk", copies: int | None = None) -> Receipt:
        """One more job, of an id of its own."""
        self.job_count += 1
        job = PrintJob(f"job-{self.job_count}", "label", {"name": name}, copies)
        return await self.driver.print(self.document(name, copies), job)

    def printing(self, name: str = "Milk", copies: int | None = None) -> "asyncio.Task[Receipt]":
        return asyncio.create_task(self.print(name, copies))

    def names(self) -> list[str]:
        """The names on the labels that came out, in order."""
        return [label.texts[0].removeprefix("NAME|") for label in self.simulator.printed]

    async def state(self, state: LinkState) -> None:
        await self.task.wait_for_state(state, DEADLINE_S)

    def states(self) -> list[LinkState]:
        return [change.state for change in self.changes]

    def counter(self, name: str) -> int:
        return self.task.driver.counters()[name]


def template(model: str, body: str | None = None) -> LabelTemplate:
    return LabelTemplate.parse(
        {"name": "label", "body": body or BODIES[model], "parameters": PARAMETERS}
    )


def document(config: AnyPrinterConfig, name: str = "Milk", copies: int | None = None) -> Document:
    compiled = compile_template(template(config.model), config)
    return compiled.render({"name": name, "code": MILK}, copies=copies)


def printer_config(kind: Kind, port: int, **settings: Any) -> AnyPrinterConfig:
    shared = {"index": 2, "name": "coder", "host": "127.0.0.1", "port": port, **TIMES}
    return parse_printer({"model": kind.model, "parameters": kind.parameters, **shared, **settings})


def simulator_config(kind: Kind, **simulated: Any) -> PrinterSimulatorConfig:
    text = {"text": kind.parameters} if kind.model == "TEXT" else {}
    return PrinterSimulatorConfig.model_validate(
        {"model": kind.model, "print_s": 0.0, "seed": 7, **text, **kind.simulated, **simulated}
    )


def supervised(
    config: AnyPrinterConfig, alarms: Alarms, changes: list[StateChange]
) -> tuple[SupervisedTask, PrinterPort]:
    async def record(change: StateChange) -> None:
        changes.append(change)

    driver = printer(config, alarms)
    return SupervisedTask(config.key, driver, backoff=QUICK, on_transition=record), driver


@asynccontextmanager
async def rig(
    kind: Kind, *, simulated: dict[str, Any] | None = None, **settings: Any
) -> AsyncIterator[Rig]:
    """Connected when entered."""
    alarms, changes = Alarms(), list[StateChange]()
    async with PrinterSimulator(simulator_config(kind, **(simulated or {}))) as simulator:
        config = printer_config(kind, simulator.port, **settings)
        task, driver = supervised(config, alarms, changes)
        try:
            task.start()
            await task.wait_for_state(LinkState.CONNECTED, DEADLINE_S)
            await eventually(lambda: driver.status().online)
            yield Rig(kind, config, simulator, task, driver, alarms, changes)
        finally:
            await task.stop()


async def failure(task: "asyncio.Task[Receipt]") -> DomainError:
    """What the job failed with; asserts that it did."""
    done, _ = await asyncio.wait({task}, timeout=DEADLINE_S)
    assert done
    error = task.exception()
    assert isinstance(error, DomainError)
    return error


def outcome(error: DomainError) -> str:
    return str(error.details["outcome"])

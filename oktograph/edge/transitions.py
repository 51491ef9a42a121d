"""What the journal and the alarms say of peers that come and go.

A change is one entry in the journal, of the peer's own category, as a person looks for it; the
alarm that it raises or ends is stored with it and named in its data, and adds no entry of its own.
What people then do about the alarm (acknowledge, shelve) is in the journal as ALARM.

A device that is supervised no longer is in no trouble: neither may its alarm be. At a start every
such alarm of before is over, whatever became of the process that raised it; each device that is
still lost says so again at once.
"""

import asyncio
from collections.abc import Callable, Mapping
from contextlib import suppress
from dataclasses import dataclass
from typing import Any, Final

import structlog

from domain.journal.models import Severity
from domain.journal.operations import record
from domain.kernel.actor import system_actor
from domain.kernel.errors import DomainError
from domain.kernel.uow import Transactions, UnitOfWork
from domain.line.alarms.models import AlarmKind
from domain.line.alarms.operations import clear_alarm, clear_all, raise_alarm
from domain.line.alarms.rows import AlarmRow
from domain.line.alarms.rules import is_announced
from drivers.link import LinkState, StateChange

COMPONENT: Final = "line"
logger = structlog.get_logger(__name__)


@dataclass(frozen=True, slots=True)
class Meaning:
    """What a state is in the journal, which alarm it raises, and which it ends."""

    severity: Severity
    word: str
    raises: AlarmKind | None = None
    ends: tuple[AlarmKind, ...] = ()


DEVICE_ALARMS: Final = (AlarmKind.DEVICE_LOST, AlarmKind.DEVICE_MISCONFIGURED)
NOTABLE: Final[Mapping[LinkState, Meaning]] = {
    LinkState.CONNECTED: Meaning(Severity.INFO, "connected", ends=DEVICE_ALARMS),
    LinkState.LOST: Meaning(
        Severity.ERROR,
        "lost",
        raises=AlarmKind.DEVICE_LOST,
        ends=(AlarmKind.DEVICE_MISCONFIGURED,),
    ),
    # Nobody tries to reach it any more: that is what is wrong, not that it cannot be reached.
    LinkState.FAULTED: Meaning(
        Severity.CRITICAL,
        "cannot work as configured",
        raises=AlarmKind.DEVICE_MISCONFIGURED,
        ends=(AlarmKind.DEVICE_LOST,),
    ),
    LinkState.STOPPED: Meaning(Severity.INFO, "is no longer watched", ends=DEVICE_ALARMS),
}


class TransitionJournal:
    """An `OnTransition`. `component` acts, `category` is the journal's, for all or by
    the peer's name. Without `alarms` only the
    journal is told: for peers that nobody at the line can do anything about."""

    def __init__(
        self,
        transactions: Transactions,
        customer_id: int,
        component: str,
        category: str | Callable[[str], str],
        *,
        alarms: bool = True,
    ) -> None:
        self._transactions = transactions
        self._actor = system_actor(component, customer_id)
        self._category = category if callable(category) else lambda _name: category
        self._alarms = alarms
        self._owed: dict[str, StateChange] = {}
        # An old change must not be written behind a new one.
        self._turn = asyncio.Lock()

    async def __call__(self, change: StateChange) -> None:
        """A lost peer is an entry in the journal; that the journal cannot be written is not the
        peer's trouble, and is logged. The last change of each peer that could not be written is
        owed, and `settle` writes it: at least once, since an interrupted write may have stood."""
        if not self._is_notable(change):
            return
        self._owed[change.name] = change
        try:
            await self._pay(change)
        except DomainError as error:
            logger.warning("not journalled", message=_message(change), cause=error.message)

    async def settle(self) -> None:
        """Writes what is owed. Storage that is still away was complained of before."""
        with suppress(DomainError):
            for change in list(self._owed.values()):
                await self._pay(change)

    def _is_notable(self, change: StateChange) -> bool:
        if change.state is not LinkState.STOPPED:
            return change.state in NOTABLE
        # Whoever stops while connected has no alarm, unless that could not be written.
        clean = change.previous is LinkState.CONNECTED and change.name not in self._owed
        return self._alarms and not clean

    async def _pay(self, change: StateChange) -> None:
        async with self._turn:
            if self._owed.get(change.name) is not change:
                return  # overtaken by a later one
            async with self._transactions.begin(self._actor) as work:
                await self._write(work, change)
            if self._owed.get(change.name) is change:
                del self._owed[change.name]

    async def _write(self, work: UnitOfWork, change: StateChange) -> None:
        meaning, message = NOTABLE[change.state], _message(change)
        changed: list[AlarmRow] = []
        if self._alarms:
            changed = await _change_alarms(work, meaning, change.name, message)
        if change.state is LinkState.STOPPED and not changed:
            return
        await record(
            work,
            message,
            category=self._category(change.name),
            source=change.name,
            severity=_severity(meaning, changed),
            data=_data(changed),
        )


async def forget_device_alarms(transactions: Transactions, customer_id: int) -> None:
    """Before the first device runs."""
    async with transactions.begin(system_actor(COMPONENT, customer_id)) as work:
        await clear_all(work, DEVICE_ALARMS)


async def _change_alarms(
    work: UnitOfWork, meaning: Meaning, source: str, message: str
) -> list[AlarmRow]:
    """Those that were changed."""
    changed = []
    if meaning.raises is not None:
        changed.append(await raise_alarm(work, meaning.raises, source, message, journalled=True))
    for kind in meaning.ends:
        ended = await clear_alarm(work, kind, source, journalled=True)
        if ended is not None:
            changed.append(ended)
    return changed


def _message(change: StateChange) -> str:
    reason = f": {change.reason}" if change.reason else ""
    return f"{change.name} {NOTABLE[change.state].word}{reason}"


def _severity(meaning: Meaning, changed: list[AlarmRow]) -> Severity:
    """What is shelved or out of service is kept, and calls nobody."""
    announced = all(is_announced(row.state) for row in changed)
    return meaning.severity if announced else Severity.INFO


def _data(changed: list[AlarmRow]) -> dict[str, Any] | None:
    if not changed:
        return None
    shown = [{"id": row.id, "kind": str(row.kind), "state": str(row.state)} for row in changed]
    return {"alarms": shown}

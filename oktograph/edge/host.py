"""The host that an edge runs on, as far as its factory may act on it."""

from collections.abc import Sequence
from typing import Any, Final, Protocol

from domain.fleet.models import CommandType
from domain.journal.models import SYSTEM, Severity
from domain.journal.operations import record
from domain.kernel.actor import Actor
from domain.kernel.errors import TimedOut, UpstreamFailed, ValidationFailed
from domain.kernel.uow import Transactions
from drivers.processes import run_bounded
from drivers.updater.hooks import filled

SOURCE: Final = "host"
TIMEOUT_S: Final = 60.0
KEPT_OUTPUT: Final = 4_000
ACTION, DELAY, SERVICE = "{action}", "{delay_s}", "{service}"


class HostControl(Protocol):
    async def act(
        self, action: CommandType, *, delay_s: int = 0, service: str | None = None
    ) -> dict[str, Any]:
        """Restarts a service (the edge's own where none is named), reboots or shuts down; what it
        did. Raises DomainError where it failed."""


class RecordedHost:
    """Does nothing of the kind: that it was asked stands in the journal."""

    async def act(
        self, action: CommandType, *, delay_s: int = 0, service: str | None = None
    ) -> dict[str, Any]:
        return {"performed": False, "recorded": True}


class HostProgram:
    """Runs a configured program. `argv` may hold {action} (the documented word; the last argument
    where it stands nowhere), {delay_s} and {service}; what it has no place for is refused."""

    def __init__(self, argv: Sequence[str], timeout_s: float = TIMEOUT_S) -> None:
        named = any(ACTION in part for part in argv)
        self._argv = (*argv,) if named else (*argv, ACTION)
        self._timeout_s = timeout_s

    async def act(
        self, action: CommandType, *, delay_s: int = 0, service: str | None = None
    ) -> dict[str, Any]:
        if delay_s and not self._takes(DELAY):
            raise ValidationFailed("delayS", "the host's program knows no delay")
        if service is not None and not self._takes(SERVICE):
            raise ValidationFailed("service", "the host's program knows no services")
        values = {"action": str(action), "delay_s": str(delay_s), "service": service or ""}
        argv = filled(self._argv, values)
        ended = await run_bounded(argv, self._timeout_s, keep_bytes=KEPT_OUTPUT)
        if ended.code is None:
            raise TimedOut(f"The host's program did not end within {self._timeout_s:g} s")
        if ended.code:
            raise UpstreamFailed(f"The host's program ended with {ended.code}: {ended.output}")
        return {"performed": True, "output": ended.output}

    def _takes(self, place: str) -> bool:
        return any(place in part for part in self._argv)


class JournalledHost:
    """Any of them, with an entry in the journal before it acts: afterwards nobody may be left to
    write one."""

    def __init__(self, host: HostControl, transactions: Transactions, actor: Actor) -> None:
        self._host = host
        self._transactions = transactions
        self._actor = actor

    async def act(
        self,
        action: CommandType,
        *,
        delay_s: int = 0,
        service: str | None = None,
        reason: str | None = None,
    ) -> dict[str, Any]:
        asked = {"delay_s": delay_s, "service": service, "reason": reason}
        async with self._transactions.begin(self._actor) as work:
            await record(
                work,
                f"The factory asked for {action}",
                category=SYSTEM,
                source=SOURCE,
                severity=Severity.WARNING,
                data=asked,
            )
        return await self._host.act(action, delay_s=delay_s, service=service)


def host_of(program: Sequence[str]) -> HostControl:
    return HostProgram(program) if program else RecordedHost()

"""A printer's conditions over time: told once when they come and once when they go."""

import asyncio

import structlog

from drivers.printers.status import (
    Observation,
    OnCondition,
    PrinterCondition,
    conditions_of,
)

log: structlog.stdlib.BoundLogger = structlog.get_logger(__name__)

# An alarm list that hangs must not keep a line from printing.
TELLING_DEADLINE_S = 5.0


class ConditionWatch:
    """`printer` is the name in the log. What `on_condition` raises is logged, no more."""

    def __init__(self, printer: str, on_condition: OnCondition | None) -> None:
        self._printer = printer
        self._on_condition = on_condition
        self._active: dict[PrinterCondition, str] = {}

    @property
    def active(self) -> tuple[PrinterCondition, ...]:
        return tuple(self._active)

    @property
    def message(self) -> str | None:
        """Of the first condition that holds."""
        return next(iter(self._active.values()), None)

    async def see(self, observation: Observation | None) -> None:
        """None is a question without an answer: what held before then still holds."""
        held = conditions_of(observation)
        if observation is None:
            held = {**self._active, **held}
        await self._become(held)

    async def lost(self) -> None:
        """The link's own state tells more than silence; the rest is as last seen."""
        kept = dict(self._active)
        kept.pop(PrinterCondition.NO_ANSWER, None)
        await self._become(kept)

    async def clear(self) -> None:
        """Nobody looks any more."""
        await self._become({})

    async def _become(self, held: dict[PrinterCondition, str]) -> None:
        before, self._active = self._active, held
        for condition in before.keys() - held.keys():
            await self._tell(condition, False, before[condition])
        for condition, message in held.items():
            if before.get(condition) != message:
                await self._tell(condition, True, message)

    async def _tell(self, condition: PrinterCondition, active: bool, message: str) -> None:
        event = "printer_condition" if active else "printer_condition_over"
        log.warning(event, device=self._printer, condition=condition.value, reason=message)
        if self._on_condition is None:
            return
        try:
            async with asyncio.timeout(TELLING_DEADLINE_S):
                await self._on_condition(condition, active, message)
        except Exception:
            log.exception("printer_condition_not_told", device=self._printer)

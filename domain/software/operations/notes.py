"""What rollouts have to say to the people who run the line."""

from typing import Final

from domain.journal import operations as journal
from domain.journal.models import Severity
from domain.kernel.uow import UnitOfWork
from domain.software.rows import RolloutRow

CATEGORY: Final = "SOFTWARE"
SOURCE: Final = "rollout"


async def note(work: UnitOfWork, rollout: RolloutRow, severity: Severity, message: str) -> None:
    await journal.record(
        work,
        f"{message}: {rollout.name}, {rollout.application} {rollout.version}",
        category=CATEGORY,
        source=SOURCE,
        severity=severity,
        data={"rollout_id": rollout.id, "by": work.actor.name, "reason": rollout.halt_reason},
    )

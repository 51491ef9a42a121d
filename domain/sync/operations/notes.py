"""What synchronisation has to say to the people at the line."""

from collections.abc import Sequence
from typing import Any, Final

from domain.journal import operations as journal
from domain.journal.models import SYNC, Severity
from domain.kernel.errors import DomainError, Unauthorized
from domain.kernel.uow import UnitOfWork
from domain.sync.ports import Rejection
from domain.sync.rows import Cargo
from domain.sync.rules import upstream_name

SOURCE: Final = "sync"
# Items named in one entry, which has room for 16 KB.
NAMED_AT_ONCE: Final = 20
IDENTIFIER_SHOWN: Final = 64


async def note(
    work: UnitOfWork, severity: Severity, message: str, data: dict[str, Any] | None = None
) -> None:
    await journal.record(work, message, category=SYNC, source=SOURCE, severity=severity, data=data)


async def note_lost(work: UnitOfWork, error: DomainError) -> None:
    refused = isinstance(error, Unauthorized)
    await note(
        work,
        Severity.ERROR if refused else Severity.WARNING,
        f"The {upstream_name(error)} no longer accepts this edge; what waits is kept"
        if refused
        else "The delivery upstream is interrupted; what waits is kept",
        {"code": str(error.code), "reason": error.message},
    )


async def note_back(work: UnitOfWork, failures: int) -> None:
    await note(work, Severity.INFO, "The delivery upstream works again", {"failures": failures})


async def note_refused(work: UnitOfWork, refused: Sequence[Rejection], cargo: Cargo) -> None:
    """By reason, every item once: they leave the queue, this is where they stay known."""
    names = cargo.identifiers()
    by_reason: dict[str, list[str]] = {}
    for rejection in refused:
        by_reason.setdefault(rejection.reason, []).append(rejection.id)
    for reason, ids in sorted(by_reason.items()):
        for start in range(0, len(ids), NAMED_AT_ONCE):
            some = ids[start : start + NAMED_AT_ONCE]
            items = [
                {"id": item, "identifier": names.get(item, "")[:IDENTIFIER_SHOWN]} for item in some
            ]
            message = f"Refused upstream: {len(some)} items, {reason[:IDENTIFIER_SHOWN]}"
            await note(work, Severity.WARNING, message, {"reason": reason[:512], "items": items})

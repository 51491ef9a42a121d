"""What an edge keeps of what its factory told it, over restarts."""

from collections.abc import Sequence
from typing import Any, Final

from domain.fleet import events
from domain.fleet.documents import json_text
from domain.fleet.operations.configuration import MAX_DOCUMENT
from domain.fleet.repository import edge
from domain.fleet.rows import EdgeStateRow
from domain.journal import operations as journal
from domain.journal.models import SYSTEM, Severity
from domain.kernel.uow import UnitOfWork

SOURCE: Final = "edge"


async def configured(
    work: UnitOfWork, version: int, document: dict[str, Any], changed: Sequence[str]
) -> EdgeStateRow:
    """`changed` are the names of what takes effect. Raises ValidationFailed for a document that
    is too long."""
    text = json_text(document, "document", MAX_DOCUMENT)
    found = await _change(work, config_version=version, config_document=text)
    told = {"version": version, "changed": list(changed)}
    work.record(events.STREAM, events.EDGE_CONFIGURED, "", **told)
    message = f"Configuration {version} of the factory: {', '.join(changed) or 'nothing new'}"
    await _note(work, message, Severity.INFO, told)
    return found


async def allow_cloud(work: UnitOfWork, enabled: bool) -> EdgeStateRow:
    found = await edge.state(work.session, work.customer_id)
    if found.cloud_sync_enabled == enabled:
        return found
    how = "on" if enabled else "off"
    message = f"The factory has switched deliveries to the cloud {how}"
    await _note(work, message, Severity.INFO, {"enabled": enabled})
    return await _change(work, cloud_sync_enabled=enabled)


async def switch(work: UnitOfWork, enabled: bool, reason: str | None) -> EdgeStateRow:
    """Whether the edge takes part in production. Again is no change."""
    found = await edge.state(work.session, work.customer_id)
    if found.enabled == enabled:
        return found
    kind = events.EDGE_ENABLED if enabled else events.EDGE_DISABLED
    work.record(events.STREAM, kind, "", reason=reason)
    what = "enabled" if enabled else "disabled: reads are kept and make no bottles"
    severity = Severity.INFO if enabled else Severity.WARNING
    await _note(work, f"This edge is {what}", severity, {"reason": reason})
    return await _change(work, enabled=enabled, disabled_reason=None if enabled else reason)


async def _change(work: UnitOfWork, **values: Any) -> EdgeStateRow:
    values |= {"changed_at_us": work.now_us}
    await edge.change(work.session, work.customer_id, **values)
    return await edge.state(work.session, work.customer_id)


async def _note(work: UnitOfWork, message: str, severity: Severity, data: dict[str, Any]) -> None:
    told = data | {"by": work.actor.name}
    await journal.record(
        work, message, category=SYSTEM, source=SOURCE, severity=severity, data=told
    )

"""Endpoint filters: saved queries that releases are targeted by and rollouts are made of."""

import uuid
from typing import Any

from domain.kernel.errors import Conflict, NotFound
from domain.kernel.ids import new_id
from domain.kernel.uow import UnitOfWork
from domain.software import events
from domain.software.commands import CreateEndpointFilter, EndpointQuery, UpdateEndpointFilter
from domain.software.repository import filters
from domain.software.rows import EndpointFilterRow


async def create_filter(work: UnitOfWork, command: CreateEndpointFilter) -> EndpointFilterRow:
    """Conflict where the identifier is taken."""
    key = new_id()
    identifier = command.identifier or str(uuid.UUID(key))
    row = EndpointFilterRow(
        key, identifier, command.name, query_text(command.query), work.now_us, work.now_us
    )
    if not await filters.insert_filter(work.session, work.customer_id, row):
        raise Conflict("An endpoint filter of this identifier exists", identifier=identifier)
    events.record_filter(work, events.FILTER_CREATED, row)
    return row


async def update_filter(work: UnitOfWork, command: UpdateEndpointFilter) -> EndpointFilterRow:
    """Whom targeted releases are offered to changes with it; rollouts that were made do not."""
    before = await require_filter(work, command.filter)
    given: dict[str, Any] = {} if command.name is None else {"name": command.name}
    if command.query is not None:
        given["query"] = query_text(command.query)
    row = before._replace(**given)
    if row == before:
        return before
    given["updated_at_us"] = work.now_us
    if not await filters.change_filter(work.session, work.customer_id, before.id, **given):
        raise NotFound("Endpoint filter", command.filter)
    row = before._replace(**given)
    events.record_filter(work, events.FILTER_CHANGED, row, before)
    return row


async def delete_filter(work: UnitOfWork, key: str) -> EndpointFilterRow:
    """Conflict while a release is targeted by it: that would quietly reach nobody."""
    row = await require_filter(work, key)
    if await filters.is_used(work.session, work.customer_id, row.identifier):
        raise Conflict("A release is targeted by this filter", identifier=row.identifier)
    if not await filters.delete_filter(work.session, work.customer_id, row.id):
        raise NotFound("Endpoint filter", key)
    events.record_filter(work, events.FILTER_DELETED, row)
    return row


async def require_filter(work: UnitOfWork, key: str) -> EndpointFilterRow:
    found = await filters.find(work.session, work.customer_id, key)
    if found is None:
        raise NotFound("Endpoint filter", key)
    return found


def query_text(query: EndpointQuery) -> str:
    return query.model_dump_json(exclude_none=True)

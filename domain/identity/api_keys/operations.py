"""Writes of API keys inside a given unit of work. The key itself comes in as its MAC."""

from domain.identity import events
from domain.identity.api_keys import repository, rules
from domain.identity.api_keys.commands import CreateApiKey
from domain.identity.api_keys.models import ApiKey
from domain.identity.api_keys.rows import ApiKeyRow
from domain.identity.repository import lock_first_start
from domain.kernel.errors import NotFound, ValidationFailed
from domain.kernel.ids import new_id
from domain.kernel.uow import UnitOfWork


async def create_key(work: UnitOfWork, command: CreateApiKey, prefix: str, mac: str) -> ApiKeyRow:
    """Raises ValidationFailed for an end that has passed."""
    if command.expires_at_us is not None and command.expires_at_us <= work.now_us:
        raise ValidationFailed("expiresAt", "must be in the future")
    row = ApiKey(
        id=new_id(),
        customer_id=work.customer_id,
        prefix=prefix,
        mac=mac,
        created_at_us=work.now_us,
        created_by=work.actor.name,
        **command.model_dump(),
    )
    await repository.insert_key(work.session, row)
    return await _told(work, row.id, events.API_KEY_CREATED)


async def revoke_key(work: UnitOfWork, key_id: str) -> ApiKeyRow:
    """For good; again is the same as once. Raises NotFound."""
    found = await _existing(work, key_id)
    changed = await repository.revoke(work.session, work.customer_id, key_id, work.now_us)
    return await _told(work, key_id, events.API_KEY_REVOKED) if changed else found


async def note_use(work: UnitOfWork, key_id: str) -> None:
    """No fact: it is written once a minute for each key that is used."""
    await repository.note_use(work.session, key_id, work.now_us, work.now_us - rules.USE_NOTED_US)


async def ensure_demo_key(work: UnitOfWork, mac: str) -> None:
    """The documented key opens from now on."""
    await lock_first_start(work.session)
    for key in await repository.demo_keys(work.session, work.customer_id):
        if await repository.restore(work.session, key.id):
            await _told(work, key.id, events.API_KEY_RESTORED)
        return
    demo = rules.DEMO_KEY
    row = ApiKey(
        id=new_id(),
        customer_id=work.customer_id,
        name=demo.name,
        prefix=rules.prefix_of(demo.key),
        mac=mac,
        role=demo.role,
        created_at_us=work.now_us,
        created_by=work.actor.name,
        is_demo=True,
    )
    if await repository.insert_key(work.session, row):
        await _told(work, row.id, events.API_KEY_CREATED)


async def retire_demo_key(work: UnitOfWork) -> None:
    """For a start without the demo: nobody gets in by a documented key."""
    await lock_first_start(work.session)
    for key in await repository.demo_keys(work.session, work.customer_id):
        await revoke_key(work, key.id)


async def _existing(work: UnitOfWork, key_id: str) -> ApiKeyRow:
    found = await repository.key_of(work.session, work.customer_id, key_id)
    if found is None:
        raise NotFound("API key", key_id)
    return found


async def _told(work: UnitOfWork, key_id: str, kind: str) -> ApiKeyRow:
    """Records the fact with the row as it became, and returns that."""
    key = await _existing(work, key_id)
    work.record(events.STREAM, kind, key.id, **rules.public(key))
    return key

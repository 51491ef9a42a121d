"""Removes old entries of the audit so that the rest still verifies."""

from typing import Final

from sqlalchemy import delete, insert, select

from domain.journal.audit import AUDIT, ENTITY, RETIRED, entry_of, newest_hash, retired
from domain.kernel import eventlog
from domain.kernel.eventlog import Fact
from domain.kernel.ids import earliest_id
from domain.kernel.retention import Trimmed, removed
from domain.kernel.uow import UnitOfWork

DAY_US: Final = 86_400_000_000
_OLDEST: Final = (
    select(AUDIT.c.seq, AUDIT.c.customer_id, AUDIT.c.occurred_at_us).order_by(AUDIT.c.seq).limit(1)
)


async def retire(work: UnitOfWork, before_us: int, limit: int) -> Trimmed:
    """Removes at most `limit` of the entries that are older, of one customer. What the next one
    follows on is then told by an entry of its own, which the chain holds like every other: the
    rest verifies, and a beginning that was cut off by anybody else still shows."""
    found = (await work.session.execute(_OLDEST)).first()
    if found is None or found.occurred_at_us >= before_us:
        return Trimmed(0, more=False)
    last, _ = await retired(work.session, found.customer_id)
    if found.seq > last:
        # At most once a day, since each retirement is an entry.
        if found.occurred_at_us >= before_us - DAY_US:
            return Trimmed(0, more=False)
        last = await _tell(work, found.customer_id, before_us)
    mine = (AUDIT.c.customer_id == found.customer_id, AUDIT.c.seq <= last)
    old = select(AUDIT.c.seq).where(*mine).order_by(AUDIT.c.seq).limit(limit)
    done = await removed(work.session, delete(AUDIT).where(AUDIT.c.seq.in_(old)), limit)
    return Trimmed(done.rows, more=done.rows > 0)  # the next oldest may be another customer's


async def _tell(work: UnitOfWork, customer_id: int, before_us: int) -> int:
    """The seq up to which entries are retired from now on."""
    await eventlog.take_turn(work.session)  # whoever chains an entry holds it
    old = (
        AUDIT.c.customer_id == customer_id,
        AUDIT.c.occurred_at_us < before_us,
        AUDIT.c.id < earliest_id(before_us),  # where an index leads to
    )
    last = select(AUDIT.c.seq, AUDIT.c.hash).where(*old).order_by(AUDIT.c.id.desc()).limit(1)
    seq, followed = (await work.session.execute(last)).one()
    fact = Fact("journal", RETIRED, ENTITY, {"seq": seq, "hash": followed, "before_us": before_us})
    previous = await newest_hash(work.session, customer_id)
    entry = entry_of(work, customer_id, fact, previous)
    await work.session.execute(insert(AUDIT), [entry])
    return int(seq)

"""One row that must be there."""

from collections.abc import Awaitable, Callable, Mapping, Sequence
from typing import TypeVar

from domain.kernel.database import ReadSession
from domain.kernel.errors import NotFound
from domain.kernel.ids import is_id
from domain.kernel.uow import UnitOfWork

Row = TypeVar("Row")
ByIds = Callable[[ReadSession, int, Sequence[str]], Awaitable[Mapping[str, Row]]]


async def required(work: UnitOfWork, by_ids: ByIds[Row], entity: str, key: str) -> Row:
    """The customer's row with this id. Raises NotFound, naming `entity`, also for what is no id."""
    found: Mapping[str, Row] = {}
    if is_id(key):
        found = await by_ids(work.session, work.customer_id, [key])
    if key not in found:
        raise NotFound(entity, key)
    return found[key]

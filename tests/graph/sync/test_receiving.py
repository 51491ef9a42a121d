"""Who may deliver to a factory, and as whom."""

import pytest

from domain.kernel.errors import DomainError, Forbidden, Unauthorized
from domain.kernel.permissions import Role
from domain.sync.wire import Delivery
from graph.context import Context
from graph.sync import resolvers
from tests.support.contents import contents
from tests.support.deliveries import bottle, item_id
from tests.support.edges import Edge
from tests.support.factories import EDGE, Factory, delivery, device


def sent(device_id: str = EDGE) -> Delivery:
    return Delivery(device_id, delivery([bottle(1)]))


async def test_a_device_delivers_as_itself(edge: Edge) -> None:
    context = Context(device(edge.customer_id, EDGE), edge.services)
    receipt = await resolvers.receive_delivery(context, sent())
    assert receipt.accepted == (item_id(1, 1),)
    factory = Factory(edge.database, edge.services.transactions, edge.customer_id)
    assert [row["origin"] for row in (await factory.state())["bottle"]] == [EDGE]


async def test_a_device_delivers_as_nobody_else(edge: Edge) -> None:
    context = Context(device(edge.customer_id, EDGE), edge.services)
    before = await contents(edge.database)
    with pytest.raises(Forbidden):
        await resolvers.receive_delivery(context, sent("edge-002"))
    assert await contents(edge.database) == before


@pytest.mark.parametrize(("role", "refusal"), [(None, Unauthorized), (Role.AUDITOR, Forbidden)])
async def test_who_may_not_changes_nothing(
    edge: Edge, role: Role | None, refusal: type[DomainError]
) -> None:
    before = await contents(edge.database)
    with pytest.raises(refusal):
        await resolvers.receive_delivery(edge.context(role), sent())
    assert await contents(edge.database) == before


async def test_a_user_may_deliver_for_a_device(edge: Edge) -> None:
    receipt = await resolvers.receive_delivery(edge.context(), sent("edge-007"))
    assert len(receipt.accepted) == 1

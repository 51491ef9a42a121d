"""An edge's deliveries to a factory, over real HTTP."""

from collections.abc import AsyncIterator
from dataclasses import replace
from typing import Any

import pytest

from domain.kernel.errors import (
    DomainError,
    TimedOut,
    Unauthorized,
    Unavailable,
    UpstreamFailed,
    ValidationFailed,
)
from domain.production.models import Bottle
from domain.sync.ports import EntityState, SyncBatch
from drivers.factory.sync_target import HttpFactory, read_receipt
from tests.support.cloud import FAST
from tests.support.deliveries import AT, batch, bottle, item_id, pallet
from tests.support.factories import EDGE, Factory, delivery
from tests.support.factory_server import Served, served, token
from tests.support.proxy import Trouble, proxied


@pytest.fixture
async def server(factory: Factory) -> AsyncIterator[Served]:
    async with served(factory) as running:
        yield running


@pytest.fixture
async def target(server: Served) -> AsyncIterator[HttpFactory]:
    async with HttpFactory(server.url, EDGE, token, timeout_s=5.0, retry=FAST) as connected:
        yield connected


def states(count: int) -> SyncBatch:
    bottles = [bottle(number, batch=1, device_id="device-001") for number in range(count)]
    done = batch(1, pallet=1, status="complete", completed_at=AT, batch_size=50)
    return delivery([*bottles, done, pallet(1)])


async def test_what_was_sent_arrives_whole(target: HttpFactory, factory: Factory) -> None:
    sent = states(5)
    receipt = await target.push(sent)
    assert receipt.accepted == sent.ids
    stored = await factory.state()
    other = Factory(factory.database, factory.transactions, await factory.neighbour())
    both: list[EntityState] = [*sent.bottles, *sent.batches]
    await other.push(delivery([moved(state) for state in both]))
    # The same by the wire and without it, but for the ids that had to differ.
    plain = [{**row, "id": "", "batch_id": "", "customer_id": 0} for row in stored["bottle"]]
    again = (await other.state())["bottle"]
    assert [{**row, "id": "", "batch_id": "", "customer_id": 0} for row in again] == plain


def moved(state: EntityState) -> EntityState:
    """With another id."""
    return replace(state, id=f"f{state.id[1:]}", **_links(state))


def _links(state: EntityState) -> dict[str, Any]:
    link = getattr(state, "batch_id", None)
    return {} if link is None else {"batch_id": f"f{link[1:]}"}


async def test_a_large_delivery_goes_compressed(target: HttpFactory, server: Served) -> None:
    await target.push(states(100))
    await target.push(delivery([bottle(999)]))
    assert [seen["encoding"] for seen in server.seen] == ["gzip", "identity"]


async def test_plain_where_gzip_is_not_understood(target: HttpFactory, server: Served) -> None:
    server.gzip = False
    await target.push(states(100))
    await target.push(states(100))
    assert [seen["encoding"] for seen in server.seen] == ["identity", "identity"]


async def test_refusals_come_back_by_name(target: HttpFactory, factory: Factory) -> None:
    await factory.take(bottle(1), origin="edge-002")
    receipt = await target.push(delivery([bottle(1, id=item_id(9, 1)), bottle(2)]))
    assert receipt.accepted == (item_id(1, 2),)
    assert [(one.id, one.reason) for one in receipt.rejected] == [
        (item_id(9, 1), "DUPLICATE_IDENTIFIER")
    ]


async def test_a_busy_factory_is_asked_again(target: HttpFactory, server: Served) -> None:
    server.busy.extend([(503, None), (429, "0")])
    assert len((await target.push(delivery([bottle(1)]))).accepted) == 1


async def test_a_pause_that_is_asked_for_is_kept(target: HttpFactory, server: Served) -> None:
    server.busy.append((429, "600"))
    with pytest.raises(UpstreamFailed):
        await target.push(delivery([bottle(1)]))
    with pytest.raises(Unavailable) as paused:
        await target.push(delivery([bottle(1)]))
    assert 290 < paused.value.details["retry_after_s"] <= 300
    assert not server.seen


async def test_a_wrong_token_is_said(server: Served, factory: Factory) -> None:
    async def forged() -> str:
        return "forged"

    async with HttpFactory(server.url, EDGE, forged, retry=FAST) as target:
        with pytest.raises(Unauthorized) as refused:
            await target.push(delivery([bottle(1)]))
    assert refused.value.details["upstream"] == "factory"
    assert await factory.rows(Bottle) == []


@pytest.mark.parametrize(
    ("trouble", "raised"),
    [
        (Trouble.STALL, TimedOut),
        (Trouble.REFUSE, DomainError),
        (Trouble.RESET_REQUEST, DomainError),
        (Trouble.RESET_ANSWER, UpstreamFailed),
        (Trouble.HALVE_ANSWER, UpstreamFailed),
    ],
)
async def test_a_bad_link_is_one_domain_error_and_then_works(
    server: Served, factory: Factory, trouble: Trouble, raised: type[DomainError]
) -> None:
    async with (
        proxied(server.port) as proxy,
        HttpFactory(proxy.url, EDGE, token, timeout_s=5.0, retry=FAST) as target,
    ):
        proxy.set(trouble)
        with pytest.raises(raised):
            await target.push(states(3))
        proxy.set(Trouble.NONE)
        proxy.cut()
        assert len((await target.push(states(3))).accepted) == 5
    assert len(await factory.rows(Bottle)) == 3


def test_a_receipt_for_something_else_counts_as_none() -> None:
    sent = delivery([bottle(1), bottle(2)])
    answers: tuple[Any, ...] = (
        {"accepted": 1, "rejected": []},
        {"accepted": 2, "rejected": [{"id": "x", "reason": "y"}]},
        {"accepted": 1, "rejected": [{"id": item_id(1, 1), "reason": "y"}] * 2},
        {"accepted": "2", "rejected": []},
        {"accepted": 2},
        [],
    )
    for data in answers:
        with pytest.raises(UpstreamFailed):
            read_receipt(sent, data)


@pytest.mark.parametrize("url", ["ftp://factory", "factory:8081", "http://user:pass@factory"])
def test_a_url_that_cannot_be_called_is_refused(url: str) -> None:
    with pytest.raises(ValidationFailed):
        HttpFactory(url, EDGE, token)

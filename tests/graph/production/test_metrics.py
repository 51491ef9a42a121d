"""`overview` and `metrics` through GraphQL: over HTTP and over a WebSocket."""

from tests.support.edge import Client, Edge
from tests.support.waiting import eventually

FIGURES = "bottlesToday batchesToday palletsToday bottlesPerMinute batchesCompleted syncQueueTotal"
CODE = "0104600605032541215B,LN)\x1d93gJXT"


async def test_the_overview_answers(edge: Edge, operator: Client) -> None:
    await operator.ask(
        "mutation ($code: String!) { scan(input: {code: $code}) { valid } }", code=CODE
    )
    asked = await operator.ask(f"{{ overview {{ {FIGURES} devicesOnline dayStart }} }}")
    assert asked["overview"]["bottlesToday"] == 1
    assert asked["overview"]["bottlesPerMinute"] == 1
    assert asked["overview"]["syncQueueTotal"] == 1


async def test_many_follow_one_figure(edge: Edge, operator: Client, manager: Client) -> None:
    periodic = edge.runtime.services.streams.periodic
    query = f"subscription {{ metrics(intervalMs: 250) {{ at {FIGURES} }} }}"
    async with operator.subscribe(query) as one, manager.subscribe(query) as two:
        first, second = await one.take(2), await two.take(2)
        assert periodic.followers == 2
        assert periodic.computations == 1
        # Whoever came later began with a figure that the other is given too.
        while second[0] not in first:
            first += await one.take(1)
    await eventually(lambda: periodic.followers == 0)
    assert periodic.computations == 0


async def test_who_may_not_is_refused(edge: Edge, anonymous: Client, operator: Client) -> None:
    assert await anonymous.code("{ overview { bottlesToday } }") == "UNAUTHORIZED"
    async with operator.subscribe("subscription { metrics(intervalMs: 1) { at } }") as refused:
        assert await refused.refused() == "VALIDATION_ERROR"

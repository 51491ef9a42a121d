"""The engine without a transport: one executor's memory for all requests, the plain resolver."""

from contextlib import aclosing
from typing import Any, cast

import pytest

from domain.kernel.errors import Forbidden, StreamGap, ValidationFailed
from graph.errors import RequestRefused, masked
from graph.execution import GraphQLRequest, serialise
from graph.streams import open_stream
from tests.support.toy_graph import SCHEMA, TOKENS, Toy, user
from tests.support.waiting import eventually


async def test_the_same_document_executes_many_times_without_growing(toy: Toy) -> None:
    text = "query($n: Int!) { items(first: $n) { code items { code } } me }"
    for number in (1, 3, 2):
        request = GraphQLRequest(text, variables={"n": number})
        result = await toy.engine.execute(request, toy.context())
        assert [item["code"] for item in result["data"]["items"]] == [
            str(index) for index in range(number)
        ]
    operation = toy.engine.store.prepare(text).operation(None)
    remembered = len(operation.sub_fields)
    for _ in range(20):
        await toy.engine.execute(GraphQLRequest(text, variables={"n": 2}), toy.context())
    assert len(operation.sub_fields) == remembered == 1


async def test_skip_and_include_are_decided_each_time(toy: Toy) -> None:
    text = (
        "query($yes: Boolean!) { me @include(if: $yes) items(first: 1) { code @skip(if: $yes) } }"
    )
    for yes, data in ((True, {"me": "alice", "items": [{}]}), (False, {"items": [{"code": "0"}]})):
        result = await toy.engine.execute(
            GraphQLRequest(text, variables={"yes": yes}), toy.context()
        )
        assert result == {"data": data}


async def test_an_argument_that_only_execution_can_refuse_is_the_callers_fault(toy: Toy) -> None:
    request = GraphQLRequest("query($n: Int) { items(first: $n) { code } }", variables={"n": None})
    result = await toy.engine.execute(request, toy.context())
    assert result["data"] is None
    assert result["errors"][0]["extensions"]["code"] == "VALIDATION_ERROR"
    assert result["errors"][0]["path"] == ["items"]


async def test_a_subscription_is_no_query(toy: Toy) -> None:
    result = await toy.engine.execute(
        GraphQLRequest("subscription { ticks(count: 1) }"), toy.context()
    )
    assert "data" not in result
    with pytest.raises(RequestRefused):
        await toy.engine.subscription(GraphQLRequest("{ me }"), toy.context())


async def test_the_plain_resolver_replays_and_goes_on(toy: Toy) -> None:
    await toy.write("1", "2")
    await eventually(lambda: toy.tail.head == 2)
    stream = await SCHEMA.subscribe(
        "subscription($after: String) { scans(after: $after) { code } }",
        variable_values={"after": toy.tail.cursor(1)},
        context_value=toy.context(),
    )
    seen = []
    async with aclosing(cast(Any, stream)) as results:
        async for result in results:
            seen.append(result.data["scans"]["code"])
            if len(seen) == 1:
                await toy.write("3")
            if len(seen) == 2:
                break
    assert seen == ["2", "3"]
    await eventually(lambda: (toy.fanout.subscriptions, toy.fanout.groups) == (0, 0))


async def test_the_plain_resolver_refuses_alike(toy: Toy) -> None:
    for actor, after, error in (
        (user("nobody"), None, Forbidden),
        (TOKENS["Bearer alice"], "nonsense", ValidationFailed),
        (TOKENS["Bearer alice"], "other.1", StreamGap),
    ):
        with pytest.raises(error):
            await anext(open_stream(toy.context(actor), "scans", {"after": after}))
    assert toy.fanout.subscriptions == 0


def test_what_json_lacks_is_masked(caplog: pytest.LogCaptureFixture) -> None:
    assert b"Internal server error" in serialise({"data": object()}, "c-1")
    assert "c-1" in caplog.text
    assert masked(ValueError("x"), "c-2")["extensions"]["correlationId"] == "c-2"

"""Limits, costs, introspection, persisted and trusted documents."""

import time
from collections.abc import Callable
from functools import partial
from typing import Any

import pytest
from graphql import get_introspection_query, parse

from graph.documents import DocumentStore, manifest, sha256
from graph.errors import RequestRefused, format_request_errors
from graph.execution import GraphQLRequest
from graph.limits import Limits
from tests.support.toy_graph import SCHEMA, Toy

CORE = SCHEMA._schema


def store(limits: Limits | None = None, **options: Any) -> DocumentStore:
    return DocumentStore(CORE, limits, **options)


def refused(documents: DocumentStore, text: str, **variables: Any) -> dict[str, Any]:
    """The first error's extensions."""
    with pytest.raises(RequestRefused) as caught:
        documents.prepare(text).operation(None).coerce(variables)
    first: dict[str, Any] = format_request_errors(caught.value, "c")[0]
    assert first["extensions"]["code"] == "VALIDATION_ERROR"
    return first


def limit(error: dict[str, Any]) -> str:
    assert error["extensions"]["details"]["reason"] == "LIMIT_EXCEEDED"
    found: str = error["extensions"]["details"]["limit"]
    return found


def cost(text: str, limits: Limits | None = None, **variables: Any) -> int:
    operation = store(limits).prepare(text).operation(None)
    return operation.cost.total(operation.coerce(variables).coerced, operation.limits)


def test_a_document_is_prepared_once_and_the_store_is_bounded() -> None:
    documents = store(max_documents=3, max_text=100)
    first = documents.prepare("{ me }")
    assert documents.prepare("{ me }") is first
    for number in range(10):
        documents.prepare(f"{{ number(value: {number}) }}")
    assert len(documents) == 3
    assert documents.prepare("{ me }") is not first
    documents.prepare("{ me } #" + "x" * 90)
    assert len(documents) == 1


def test_hostile_documents_are_refused_by_limit() -> None:
    documents = store()
    deep = "{ items " * 13 + "{ code }" + "}" * 13
    assert limit(refused(documents, "{ items " + deep + "}")) == "depth"
    assert limit(refused(documents, "{" + " me" * 21 + "}")) == "root_fields"
    nested = " ".join(f"a{number}: code" for number in range(31))
    assert limit(refused(documents, "{ items { " + nested + " } }")) == "aliases"
    assert limit(refused(documents, "{ me " + "@include(if: true) " * 51 + "}")) == "directives"
    assert refused(documents, "{" + " me" * 2_001 + "}")["extensions"]["details"] == {
        "reason": "SYNTAX_ERROR"
    }
    assert "message" in refused(documents, "#" * 200_000)
    assert "message" in refused(documents, "{" * 1_500)
    assert "message" in refused(documents, "\x00\xff")
    assert "message" in refused(documents, "")


def test_fragments_count_as_often_as_they_are_spread_and_cycles_end() -> None:
    documents = store()
    bomb = "{ items { ...f0 } } " + " ".join(
        f"fragment f{number} on Item {{ ...f{number + 1} ...f{number + 1} }}"
        for number in range(20)
    )
    assert limit(refused(documents, bomb + " fragment f20 on Item { code }")) == "selections"
    cycle = "{ items { ...a } } fragment a on Item { items { ...b } } fragment b on Item { ...a }"
    refused(documents, cycle)
    refused(documents, "{ items { ...a } } fragment a on Item { ...a }")
    aliased = " ".join(f"a{number}: code" for number in range(10))
    spread = " ".join("...x" for _ in range(4))
    text = f"{{ items {{ {spread} }} }} fragment x on Item {{ {aliased} }}"
    assert limit(refused(documents, text)) == "aliases"


def cpu_s(act: Callable[[], object]) -> float:
    """The least of a few: the others were disturbed."""
    taken: list[float] = []
    for _ in range(3):
        started = time.process_time()
        act()
        taken.append(time.process_time() - started)
    return min(taken)


def test_fields_that_repeat_are_refused_before_the_validation_compares_them() -> None:
    documents = store()
    many = " items { code }" * 300
    for text in (
        "{ items {" + " code" * 1_900 + "} }",
        "{ items {" + many + "} }",
        "{ me } fragment unused on Item {" + many + "}",
        "{ items {" + (" items {" + " items { code }" * 20 + "}") * 19 + "} }",
    ):
        parsing_s = cpu_s(partial(parse, text))
        refusal_s = cpu_s(partial(refused, documents, text))
        # Compared with each other, they take up to a hundred times as long as to be parsed.
        assert refusal_s < 4 * parsing_s
        assert limit(refused(documents, text)) == "overlaps"
    repeated = " ".join(f"...f{number}" for number in range(20))
    parts = " ".join(
        f"fragment f{number} on Item {{ code items {{ code }} }}" for number in range(20)
    )
    documents.prepare("{ items { " + repeated + " } } " + parts)


def test_lists_multiply_what_is_below_them() -> None:
    assert cost("{ me }") == 1
    assert cost("{ items(first: 7) { code } }") == 1 + 7
    assert cost("{ items { code } }") == 1 + 50
    assert cost("{ items(first: 3) { items { code } } }") == 1 + 3 * (1 + 50)
    assert cost("query($n: Int!) { items(first: $n) { code } }", n=20) == 1 + 20
    assert cost("query($n: Int = 4) { items(first: $n) { code } }") == 1 + 4
    assert cost("{ items(first: 1000000) { code } }") == 1 + 500
    assert cost("{ items(first: -5) { code } }") == 1 + 1


def test_a_connection_passes_its_page_to_its_edges() -> None:
    assert cost("{ pages(first: 20) { edges { node { code } } } }") == 1 + 1 + 20 * 2
    assert cost("{ pages { edges { node { code } } } }") == 1 + 1 + 50 * 2
    text = "query($n: Int) { pages(first: $n) { edges { node { code } } } }"
    assert cost(text, n=9) == 1 + 1 + 9 * 2
    assert cost(text) == 1 + 1 + 50 * 2


def test_weights_and_branches_count() -> None:
    weighted = Limits(weights={"Query.me": 40})
    assert cost("{ me a: me ... on Query { me } ...x } fragment x on Query { me }", weighted) == 160
    assert cost("{ __typename }") == 0
    text = "query($n: Int!) { items(first: $n) { items { code } } }"
    error = refused(store(), text, n=450)
    assert error["extensions"]["details"] == {
        "reason": "LIMIT_EXCEEDED",
        "limit": "cost",
        "max": 20_000,
        "found": 1 + 450 * (1 + 50),
    }
    store().prepare(text).operation(None).coerce({"n": 300})


def test_introspection_passes_when_it_is_on_and_hints_go_when_it_is_off() -> None:
    text = get_introspection_query(
        specified_by_url=True, directive_is_repeatable=True, input_value_deprecation=True
    )
    store().prepare(text).operation(None).coerce({})
    closed = store(introspection=False)
    refused(closed, text)
    refused(closed, '{ __type(name: "Query") { name } }')
    closed.prepare("{ __typename }")
    assert "Did you mean" in refused(store(), "{ nunber }")["message"]
    assert "Did you mean" not in refused(closed, "{ nunber }")["message"]


def test_validation_errors_say_where() -> None:
    error = refused(store(), "{ nothing }")
    assert error["locations"] == [{"line": 1, "column": 3}]
    assert error["extensions"]["details"] == {"reason": "INVALID_DOCUMENT"}
    wrong = refused(store(), "query($n: Int!) { number(value: $n) }", n="x")
    assert wrong["extensions"]["details"] == {"reason": "INVALID_VARIABLES"}


def test_operations_are_found_by_name() -> None:
    document = store().prepare("query A { me } query B { boom }")
    assert document.operation("B").node.name is not None
    for wrong in (None, "C"):
        with pytest.raises(RequestRefused):
            document.operation(wrong)


async def test_persisted_documents_are_known_after_they_were_sent_once(toy: Toy) -> None:
    text = '{ echo(text: "persisted") }'
    by_hash = {"persistedQuery": {"version": 1, "sha256Hash": sha256(text)}}

    async def send(query: str | None, extensions: dict[str, Any]) -> Any:
        return await toy.engine.execute(GraphQLRequest(query, extensions=extensions), toy.context())

    unknown = await send(None, by_hash)
    assert unknown["errors"][0]["message"] == "PersistedQueryNotFound"
    assert unknown["errors"][0]["extensions"] == {
        "code": "VALIDATION_ERROR",
        "details": {"reason": "PERSISTED_QUERY_NOT_FOUND"},
    }
    assert (await send(text, by_hash))["data"] == {"echo": "persisted"}
    assert (await send(None, by_hash))["data"] == {"echo": "persisted"}
    forged = await send("{ me }", by_hash)
    assert "data" not in forged
    for malformed in (7, {}, {"sha256Hash": 1}, {"version": 2, "sha256Hash": sha256(text)}):
        assert "data" not in await send(None, {"persistedQuery": malformed})


async def test_an_invalid_document_is_not_remembered_by_its_hash(toy: Toy) -> None:
    text = "{ nothing }"
    by_hash = {"persistedQuery": {"version": 1, "sha256Hash": sha256(text)}}
    await toy.engine.execute(GraphQLRequest(text, extensions=by_hash), toy.context())
    again = await toy.engine.execute(GraphQLRequest(None, extensions=by_hash), toy.context())
    assert again["errors"][0]["message"] == "PersistedQueryNotFound"


async def test_in_trusted_only_mode_nothing_else_is_executed(toy: Toy) -> None:
    text = "query Trusted { me }"
    toy.use(DocumentStore(CORE, trusted=manifest([text])))
    context = toy.context()
    by_hash = {"persistedQuery": {"version": 1, "sha256Hash": sha256(text)}}
    assert "data" in await toy.engine.execute(GraphQLRequest(text), context)
    assert "data" in await toy.engine.execute(GraphQLRequest(None, extensions=by_hash), context)
    other = "{ me }"
    own_hash = {"persistedQuery": {"version": 1, "sha256Hash": sha256(other)}}
    for request in (
        GraphQLRequest(other),
        GraphQLRequest(other, extensions=own_hash),
        GraphQLRequest(other, extensions=by_hash),
        GraphQLRequest(None, extensions=own_hash),
        GraphQLRequest(None),
    ):
        result = await toy.engine.execute(request, context)
        assert result["errors"][0]["extensions"]["details"] == {"reason": "DOCUMENT_NOT_TRUSTED"}

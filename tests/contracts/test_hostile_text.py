"""Text that no database takes, in every place of the graph that takes text: refused or found
nowhere, on both databases, and never a fault."""

import json
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any, NamedTuple

import httpx2
import pytest
from graphql import (
    GraphQLArgument,
    GraphQLEnumType,
    GraphQLInputObjectType,
    GraphQLNonNull,
    build_schema,
    get_named_type,
    is_composite_type,
    is_list_type,
    is_required_input_field,
)

from domain.kernel.errors import ErrorCode
from oktograph.contracts.node import TOOLS
from tests.support.databases import PostgresServer
from tests.support.served_edge import ServedEdge, served_edge
from tests.support.served_factory import ServedFactory, served_factory

SCHEMA = build_schema((TOOLS / "schema.graphql").read_text())
HOSTILE = ("a\x00b", "\x00", "\ud800")
CODES = frozenset(ErrorCode) - {ErrorCode.SERVER_ERROR}
PLAIN: dict[str, Any] = {
    "String": "text",
    "ID": "0" * 32,
    "Int": 1,
    "Float": 1.5,
    "Boolean": True,
    "DateTime": "2026-01-01T00:00:00Z",
    "JSON": {"text": "text"},
}
# Where text is part of a larger value.
TEXTS = frozenset({"String", "ID", "JSON"})


class Place(NamedTuple):
    """An argument or a field of an input, and the document that reaches it."""

    name: str
    query: str
    argument: str
    path: tuple[str, ...]
    values: dict[str, Any]

    def variables(self, text: str) -> dict[str, Any]:
        found: dict[str, Any] = {}
        for key, value in self.values.items():
            found[key] = replaced(value, self.path, text) if key == self.argument else value
        return found


def replaced(value: Any, path: Sequence[str], text: str) -> Any:
    if isinstance(value, list):
        return [replaced(one, path, text) for one in value]
    if not path:
        return {"text": text} if isinstance(value, dict) else text
    return {**value, path[0]: replaced(value[path[0]], path[1:], text)}


def places() -> Iterator[Place]:
    for root, kind in ((SCHEMA.query_type, "query"), (SCHEMA.mutation_type, "mutation")):
        assert root is not None
        for field_name, field in root.fields.items():
            for argument, path in reachable(field.args):
                wanted = {key: field.args[key] for key in field.args if needed(field.args[key])}
                wanted[argument] = field.args[argument]
                values = {
                    key: value_of(one.type, path if key == argument else ())
                    for key, one in wanted.items()
                }
                declared = ", ".join(f"${key}: {plain(one)}" for key, one in wanted.items())
                given = ", ".join(f"{key}: ${key}" for key in wanted)
                chosen = " { __typename }" if is_composite_type(get_named_type(field.type)) else ""
                query = f"{kind} ({declared}) {{ {field_name}({given}){chosen} }}"
                yield Place(".".join((field_name, argument, *path)), query, argument, path, values)


def plain(argument: GraphQLArgument) -> str:
    return str(argument.type)


def needed(argument: GraphQLArgument) -> bool:
    return isinstance(argument.type, GraphQLNonNull)


def reachable(arguments: dict[str, GraphQLArgument]) -> Iterator[tuple[str, tuple[str, ...]]]:
    for name, argument in arguments.items():
        for path in texts_in(argument.type):
            yield name, path


def texts_in(kind: Any) -> Iterator[tuple[str, ...]]:
    named = get_named_type(kind)
    if isinstance(named, GraphQLInputObjectType):
        for name, field in named.fields.items():
            for path in texts_in(field.type):
                yield name, *path
    elif named.name in TEXTS:
        yield ()


def value_of(kind: Any, path: tuple[str, ...]) -> Any:
    """A plain value with what it needs, and with what lies on `path`."""
    if isinstance(kind, GraphQLNonNull):
        return value_of(kind.of_type, path)
    if is_list_type(kind):
        return [value_of(kind.of_type, path)]
    if isinstance(kind, GraphQLEnumType):
        return next(iter(kind.values))
    if not isinstance(kind, GraphQLInputObjectType):
        return PLAIN[kind.name]
    return {
        name: value_of(field.type, path[1:] if path[:1] == (name,) else ())
        for name, field in kind.fields.items()
        if is_required_input_field(field) or path[:1] == (name,)
    }


def test_the_walk_reaches_what_it_should() -> None:
    names = {place.name for place in places()}
    assert {"bottle.identifier", "scan.input.code", "createBottles.input.bottles.party"} <= names
    assert {"recordEvent.input.data", "bottles.filter.lineId", "bottles.after"} <= names


@pytest.fixture(params=["sqlite", "postgres"])
async def any_edge(request: pytest.FixtureRequest, tmp_path: Path) -> Any:
    if request.param == "sqlite":
        with served_edge(tmp_path) as edge:
            yield edge
        return
    server: PostgresServer = request.getfixturevalue("postgres_server")
    async with server.fresh() as database:
        url = database.url.set(drivername="postgresql").render_as_string(hide_password=False)
        await database.close()
        with served_edge(tmp_path, edge_database_url=url) as edge:
            yield edge


@pytest.fixture(params=["sqlite", "postgres"])
async def any_factory(request: pytest.FixtureRequest, tmp_path: Path) -> Any:
    if request.param == "sqlite":
        with served_factory(tmp_path) as factory:
            yield factory
        return
    server: PostgresServer = request.getfixturevalue("postgres_server")
    async with server.fresh() as database:
        url = database.url.set(drivername="postgresql").render_as_string(hide_password=False)
        await database.close()
        with served_factory(tmp_path, factory_database_url=url) as factory:
            yield factory


def test_hostile_text_is_no_fault(any_edge: ServedEdge) -> None:
    with any_edge.client("admin") as client:
        assert all_faults(client) == []


def test_nor_is_it_one_at_a_factory(any_factory: ServedFactory) -> None:
    with any_factory.client("admin") as client:
        assert all_faults(client) == []


def all_faults(client: httpx2.Client) -> list[tuple[str, str, Any]]:
    return [
        fault for place in places() for text in HOSTILE for fault in faults(client, place, text)
    ]


def faults(client: httpx2.Client, place: Place, text: str) -> list[tuple[str, str, Any]]:
    body = json_of({"query": place.query, "variables": place.variables(text)})
    answer = client.post("/graphql", content=body, headers={"Content-Type": "application/json"})
    if answer.status_code not in (200, 400):
        return [(place.name, repr(text), answer.status_code)]
    errors = answer.json().get("errors", [])
    return [
        (place.name, repr(text), one) for one in errors if one["extensions"]["code"] not in CODES
    ]


def json_of(body: Any) -> bytes:
    """Escapes surrogates, as a client in JavaScript would send them."""
    return json.dumps(body, ensure_ascii=True).encode()

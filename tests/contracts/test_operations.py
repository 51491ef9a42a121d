"""The example operations fit the schema, and run."""

from functools import cache
from hashlib import sha256
from pathlib import Path

import pytest
from graphql import (
    GraphQLSchema,
    NonNullTypeNode,
    OperationDefinitionNode,
    OperationType,
    build_schema,
    parse,
    validate,
)

from graph.documents import DocumentStore
from graph.limits import Limits
from graph.schema import schema
from oktograph.contracts.node import TOOLS
from oktograph.documents import OPERATIONS, trusted_documents
from tests.support.served_edge import ServedEdge

FILES = sorted(OPERATIONS.glob("*.graphql"))


@cache
def published() -> GraphQLSchema:
    """What clients are given; half a second to build."""
    return build_schema((TOOLS / "schema.graphql").read_text())


@pytest.mark.parametrize("path", FILES, ids=lambda path: path.stem)
def test_an_operation_fits_the_schema(path: Path) -> None:
    document = parse(path.read_text())
    assert validate(published(), document) == []
    (definition,) = document.definitions
    assert isinstance(definition, OperationDefinitionNode)
    assert definition.name is not None
    assert definition.name.value == path.stem


def test_each_is_small_enough_to_be_executed() -> None:
    """Within the limits that strangers' documents have."""
    store = DocumentStore(schema._schema, Limits())
    for path in FILES:
        store.find(path.read_text(), {})


def test_every_stream_and_the_story_of_the_readme_have_one() -> None:
    assert {path.stem for path in FILES} >= {
        *("Login", "Me", "Bottles", "Bottle", "Scan", "Trace", "CreateBatch", "Events"),
        *("AcknowledgeEvent", "ScansStream", "EventsStream", "BatchesStream", "SyncStream"),
    }


def test_trusted_documents_are_these_by_their_hash() -> None:
    texts = [path.read_text() for path in FILES]
    assert trusted_documents() == {sha256(text.encode()).hexdigest(): text for text in texts}
    generated = (TOOLS / "typescript" / "operations.ts").read_text()
    assert all(f'sha256: "{key}"' in generated for key in trusted_documents())


def test_queries_that_need_nothing_answer(edge: ServedEdge) -> None:
    asked = [path for path in FILES if needs_nothing(path)]
    assert {"Me", "Bottles", "Batches", "Scans", "Events", "Scanners"} <= {
        one.stem for one in asked
    }
    with edge.client("admin") as client:
        for path in asked:
            answer = client.post("/graphql", json={"query": path.read_text()}).json()
            assert "errors" not in answer, (path.stem, answer)


def needs_nothing(path: Path) -> bool:
    """Whether it is a query that may be sent without variables; by-id ones take one of two."""
    (definition,) = parse(path.read_text()).definitions
    assert isinstance(definition, OperationDefinitionNode)
    variables = definition.variable_definitions or ()
    named = {one.variable.name.value for one in variables}
    open_ = all(not isinstance(one.type, NonNullTypeNode) for one in variables)
    return definition.operation is OperationType.QUERY and open_ and "id" not in named

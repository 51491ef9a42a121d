"""In trusted-only mode the operations run, by their hash or their text, and nothing else does."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from oktograph.documents import OPERATIONS, trusted_documents
from tests.support.served_edge import ServedEdge, served_edge

ME = (OPERATIONS / "Me.graphql").read_text()


@pytest.fixture
def strict_edge(tmp_path: Path) -> Iterator[ServedEdge]:
    with served_edge(tmp_path, graphql_trusted_only=True) as edge:
        yield edge


def test_only_trusted_documents_run(strict_edge: ServedEdge) -> None:
    (key,) = [key for key, text in trusted_documents().items() if text == ME]
    persisted = {"persistedQuery": {"version": 1, "sha256Hash": key}}
    with strict_edge.client() as client:
        by_hash = client.post("/graphql", json={"extensions": persisted}).json()
        by_text = client.post("/graphql", json={"query": ME}).json()
        strange = client.post("/graphql", json={"query": "{ me { username } }"}).json()
    assert by_hash["data"]["me"]["username"] == "operator"
    assert by_text == by_hash
    assert "data" not in strange
    assert strange["errors"][0]["extensions"]["code"] in {
        "FORBIDDEN",
        "VALIDATION_ERROR",
        "NOT_FOUND",
    }

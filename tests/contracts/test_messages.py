"""What /ws sends is what its AsyncAPI document says, to the last field."""

import json
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from random import Random
from typing import Any

import jsonschema_rs
import pytest
from websockets.sync.client import ClientConnection, connect

from compat_rest.kernel.messages import StreamMessage
from compat_rest.okto_edge.messages import MESSAGES
from domain.production.codes import DEFAULT_CATALOGUE, generate_code
from oktograph.contracts.node import TOOLS
from tests.support.served_edge import ServedEdge, served_edge

TIMEOUT_S = 10
MODELS = {model.model_fields["type"].annotation.__args__[0]: model for model in MESSAGES}  # type: ignore[union-attr]


@pytest.fixture
def own_edge(tmp_path: Path) -> Iterator[ServedEdge]:
    """Nobody else's messages."""
    with served_edge(tmp_path) as edge:
        yield edge


@contextmanager
def listening(edge: ServedEdge, query: str) -> Iterator[ClientConnection]:
    """By subprotocol, as the document recommends."""
    address = edge.url.replace("http", "ws", 1)
    protocols: Any = ["bearer", edge.token()]
    with connect(f"{address}/ws{query}", subprotocols=protocols, proxy=None) as socket:
        assert socket.subprotocol == "bearer"
        yield socket


def heard(socket: ClientConnection, wanted: set[str]) -> dict[str, dict[str, Any]]:
    """The first message of each type, until all of `wanted` have come."""
    found: dict[str, dict[str, Any]] = {}
    while not wanted <= found.keys():
        message = json.loads(socket.recv(TIMEOUT_S))
        found.setdefault(message["type"], message)
    return found


def act(edge: ServedEdge) -> None:
    """Something of every kind."""
    with edge.client() as client:
        code = generate_code(DEFAULT_CATALOGUE.profile("milk"), Random())
        account = {"email": "user@company.com", "password": "password123"}
        steps: list[tuple[str, Any]] = [
            ("/api/v1/scanner/scan", {"code": code}),
            ("/api/v1/batches", {"batch": {"name": "one"}, "bottles": []}),
            ("/api/v1/events", {"message": "a note"}),
            ("/api/v1/provision/signin", account),
            ("/api/v1/provision/activate", {"deviceId": "device-001"}),
            ("/api/v1/cloud/sync", None),
        ]
        for path, body in steps:
            answer = client.post(path, json=body)
            assert answer.status_code == 200, (path, answer.text)


@pytest.mark.parametrize("query", ["", "?after="])
def test_every_message_is_as_documented(own_edge: ServedEdge, query: str) -> None:
    document = json.loads((TOOLS / "asyncapi" / "okto-edge.json").read_text())
    with listening(own_edge, query) as socket:
        act(own_edge)
        found = heard(socket, set(MODELS))
    assert found.keys() == MODELS.keys()
    for kind, message in found.items():
        model: type[StreamMessage] = MODELS[kind]
        parsed = model.model_validate(message)
        assert parsed.model_dump(mode="json", by_alias=True, exclude_unset=True) == message
        assert ("cursor" in message) is bool(query)
        schema = {
            "$ref": f"#/components/schemas/{model.__name__}",
            "components": document["components"],
        }
        jsonschema_rs.validator_for(schema).validate(message)

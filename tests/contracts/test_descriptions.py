"""The OpenAPI and AsyncAPI documents and errors.json: valid by their own standards, complete, and
true of a running edge."""

import json
from typing import Any

import jsonschema_rs
import pytest
import schemathesis.specs.openapi.definitions as standards

from domain.kernel.errors import ErrorCode
from graph.errors import domain_error
from oktograph.contracts.descriptions import FACES
from oktograph.contracts.errors import CORRELATION_ID, EXAMPLES
from oktograph.contracts.node import MODULES, TOOLS, install_modules
from tests.contracts.conftest import Services

NAMES = [face.dialect.name for face in FACES]
STREAMING = [face for face in FACES if face.sockets]


def document(kind: str, name: str) -> dict[str, Any]:
    found: dict[str, Any] = json.loads((TOOLS / kind / f"{name}.json").read_text())
    return found


@pytest.mark.parametrize("name", NAMES)
def test_openapi_is_valid(name: str) -> None:
    found = document("openapi", name)
    assert found["openapi"].startswith("3.1")
    standards.OPENAPI_31_VALIDATOR.validate(found)


@pytest.mark.parametrize("face", FACES, ids=NAMES)
def test_every_operation_documents_its_refusals(face: Any) -> None:
    found = document("openapi", face.dialect.name)
    refusals = {str(status) for status in face.dialect.errors.statuses.values()}
    ids: set[str] = set()
    for path, operations in found["paths"].items():
        for method, operation in operations.items():
            assert refusals <= operation["responses"].keys(), (method, path)
            assert "422" not in operation["responses"], (method, path)
            assert operation["operationId"] not in ids
            ids.add(operation["operationId"])
    for response in found["components"]["responses"].values():
        schema = response["content"]["application/json"]["schema"]
        assert schema == {"$ref": "#/components/schemas/ErrorBody"}
    for operations in found["paths"].values():
        for operation in operations.values():
            for response in operation["responses"].values():
                for link in response.get("links", {}).values():
                    assert link["operationId"] in ids


@pytest.mark.parametrize("face", FACES, ids=NAMES)
def test_a_service_shows_the_same_description(services: Services, face: Any) -> None:
    """With where it is mounted, which is not the document's business."""
    with services[face.dialect.name].client() as client:
        shown = client.get(f"{face.prefix}/openapi.json").json()
    if face.prefix:
        assert shown.pop("servers") == [{"url": face.prefix}]
    kept = document("openapi", face.dialect.name)
    kept.pop("x-generated")
    assert shown == kept


@pytest.mark.xdist_group("node")
@pytest.mark.parametrize("face", STREAMING, ids=[face.dialect.name for face in STREAMING])
def test_asyncapi_is_valid(face: Any) -> None:
    install_modules()
    standard = MODULES / "@asyncapi" / "specs" / "schemas" / "3.0.0-without-$id.json"
    found = document("asyncapi", face.dialect.name)
    jsonschema_rs.validator_for(json.loads(standard.read_text())).validate(found)
    for pointer in references(found):
        assert resolved(found, pointer) is not None


def references(part: Any) -> list[str]:
    if isinstance(part, dict):
        own = [part["$ref"]] if isinstance(part.get("$ref"), str) else []
        return own + [one for value in part.values() for one in references(value)]
    if isinstance(part, list):
        return [one for value in part for one in references(value)]
    return []


def resolved(found: dict[str, Any], pointer: str) -> Any:
    part: Any = found
    for step in pointer.removeprefix("#/").split("/"):
        part = part[step]
    return part


def test_every_code_is_explained_for_every_face() -> None:
    codes = json.loads((TOOLS / "errors.json").read_text())["codes"]
    assert codes.keys() == set(ErrorCode)
    for code, told in codes.items():
        assert told["meaning"]
        assert told["graphql"]["extensions"]["code"] == code
        assert told["dialects"].keys() == set(NAMES)


def test_examples_are_what_the_faces_say() -> None:
    codes = json.loads((TOOLS / "errors.json").read_text())["codes"]
    for code, example in EXAMPLES.items():
        assert codes[code]["graphql"] == domain_error(example, None, CORRELATION_ID)
        for face in FACES:
            reply = face.dialect.errors.reply(example)
            assert codes[code]["dialects"][face.dialect.name]["status"] == reply.status_code
            assert codes[code]["dialects"][face.dialect.name]["body"] == json.loads(
                bytes(reply.body)
            )

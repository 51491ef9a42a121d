"""OpenAPI links: where to go on from an answer, for clients and for tests that walk the API."""

from typing import Any

Responses = dict[int | str, dict[str, Any]]


def link(operation_id: str, *, body: Any = None, **parameters: str) -> dict[str, Any]:
    """`parameters` and `body` hold runtime expressions, `$response.body#/data/id`."""
    found: dict[str, Any] = {"operationId": operation_id}
    if parameters:
        found["parameters"] = parameters
    if body is not None:
        found["requestBody"] = body
    return found


def linked(**links: dict[str, Any]) -> Responses:
    """For a route's `responses`: the links of its answer, by name."""
    return {200: {"links": links}}

"""Request parameters, the same for every transport: type-checked, nothing guessed."""

from typing import Any, Final

import orjson
from starlette.datastructures import QueryParams

from domain.kernel.errors import DomainError, ErrorCode, ValidationFailed
from graph.execution import GraphQLRequest

NO_SUBSCRIPTION_HERE: Final = "a subscription needs a WebSocket or Accept: text/event-stream"


class BodyTooLarge(DomainError):
    """More bytes than the settings allow."""

    code = ErrorCode.VALIDATION_ERROR

    def __init__(self, max_bytes: int) -> None:
        super().__init__("The request is too large", reason="TOO_LARGE", maxBytes=max_bytes)


def from_json(body: bytes | str) -> Any:
    """ValidationFailed for what is not JSON, nested too deeply or not UTF-8."""
    try:
        return orjson.loads(body)
    except orjson.JSONDecodeError as error:
        raise ValidationFailed("body", f"is not valid JSON: {error.msg}") from None


def from_parameters(raw: object) -> GraphQLRequest:
    """From a decoded body or payload. ValidationFailed names the parameter that is wrong."""
    if isinstance(raw, list):
        raise ValidationFailed("body", "batches are not supported: send one request at a time")
    if not isinstance(raw, dict):
        raise ValidationFailed("body", "must be a JSON object")
    extensions = _object(raw, "extensions")
    query = _text(raw, "query")
    if query is None and "persistedQuery" not in extensions:
        raise ValidationFailed("query", "is required")
    return GraphQLRequest(query, _text(raw, "operationName"), _object(raw, "variables"), extensions)


def from_query_string(query_string: bytes) -> GraphQLRequest:
    """`variables` and `extensions` are JSON texts there."""
    given = QueryParams(query_string)
    raw: dict[str, Any] = {
        name: given[name] for name in ("query", "operationName") if name in given
    }
    for name in ("variables", "extensions"):
        if given.get(name):
            raw[name] = _json_parameter(name, given[name])
    return from_parameters(raw)


def _json_parameter(name: str, text: str) -> Any:
    try:
        return orjson.loads(text)
    except orjson.JSONDecodeError:
        raise ValidationFailed(name, "is not valid JSON") from None


def _text(raw: dict[str, Any], name: str) -> str | None:
    value = raw.get(name)
    if value is None or isinstance(value, str):
        # Clients send "" for no name.
        return value or None if name == "operationName" else value
    raise ValidationFailed(name, "must be a string")


def _object(raw: dict[str, Any], name: str) -> dict[str, Any]:
    value = raw.get(name)
    if value is None:
        return {}
    if isinstance(value, dict):
        return value
    raise ValidationFailed(name, "must be an object")

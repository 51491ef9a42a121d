"""AsyncAPI 3.0 of a dialect's WebSocket, from the models of its messages."""

from collections.abc import Sequence
from typing import Any, Final

from pydantic.json_schema import models_json_schema

from compat_rest.kernel import websockets
from compat_rest.kernel.dialect import Dialect
from compat_rest.kernel.messages import FirstMessage, StreamMessage

CHANNEL: Final = "stream"
CLOSE_CODES: Final = {
    str(websockets.BAD_CURSOR): "`after` is no cursor of this log",
    str(websockets.UNAUTHORIZED): "no token, or one that is not valid, or no longer",
    str(websockets.FORBIDDEN): "the caller may not read this stream",
    str(websockets.GAP): "the log no longer reaches back to `after`",
    str(websockets.SLOW): "the reader is too slow; the reason names the cursor to go on from",
    "1001": "the service is stopping",
}


def asyncapi_document(
    dialect: Dialect, path: str, messages: Sequence[type[StreamMessage]]
) -> dict[str, Any]:
    return {
        "asyncapi": "3.0.0",
        "info": {
            "title": f"{dialect.title}: live",
            "version": dialect.version,
            "description": "What happens, as it happens. Messages come in the order of the log.",
        },
        "defaultContentType": "application/json",
        "servers": {dialect.name: _server()},
        "channels": {CHANNEL: _channel(path, [*messages, FirstMessage])},
        "operations": _operations(messages),
        "components": _components([*messages, FirstMessage]),
    }


def _server() -> dict[str, Any]:
    return {
        "host": "{host}:{port}",
        "protocol": "ws",
        "description": "The same port as the REST API; wss behind a proxy that ends TLS.",
        "variables": {
            "host": {"default": "127.0.0.1", "description": "Of the edge"},
            "port": {"default": "8080", "description": "OKTOGRAPH_EDGE_PORT"},
        },
        "security": [
            {"$ref": f"#/components/securitySchemes/{name}"} for name in sorted(_SECURITY)
        ],
    }


_SECURITY: Final[dict[str, dict[str, Any]]] = {
    "queryToken": {
        "type": "httpApiKey",
        "in": "query",
        "name": "token",
        "description": "The token of a login. URLs reach logs: prefer the subprotocol.",
    },
    "subprotocol": {
        "type": "httpApiKey",
        "in": "header",
        "name": "Sec-WebSocket-Protocol",
        "description": "`bearer, <token>`; the service answers with `bearer`. Without either, the "
        "first message of the client carries the token.",
    },
}


def _channel(path: str, models: Sequence[type[Any]]) -> dict[str, Any]:
    return {
        "address": path,
        "messages": {_name(model): {"$ref": _message(model)} for model in models},
        "bindings": {"ws": {"bindingVersion": "0.1.0", "method": "GET", "query": _query()}},
        "x-close-codes": CLOSE_CODES,
    }


def _query() -> dict[str, Any]:
    token = {"type": "string", "description": "See the security scheme `queryToken`"}
    after = {
        "type": "string",
        "description": "A `cursor` of an earlier message: what came since is sent first, then the "
        "stream goes on live. Empty starts now. With it every message has its `cursor`.",
    }
    return {"type": "object", "properties": {"after": after, "token": token}}


def _operations(messages: Sequence[type[StreamMessage]]) -> dict[str, Any]:
    channel = {"$ref": f"#/channels/{CHANNEL}"}
    return {
        "authenticate": {
            "action": "receive",
            "channel": channel,
            "summary": "Only where the handshake carried no token, within ten seconds",
            "messages": [{"$ref": f"#/channels/{CHANNEL}/messages/{_name(FirstMessage)}"}],
        },
        "follow": {
            "action": "send",
            "channel": channel,
            "summary": "What happened, one message each",
            "messages": [
                {"$ref": f"#/channels/{CHANNEL}/messages/{_name(model)}"} for model in messages
            ],
        },
    }


def _components(models: Sequence[type[Any]]) -> dict[str, Any]:
    _, schemas = models_json_schema(
        [(model, "serialization") for model in models],
        ref_template="#/components/schemas/{model}",
    )
    return {
        "messages": {
            _name(model): {
                "name": _name(model),
                "title": model.__name__,
                "summary": " ".join((model.__doc__ or "").split()),
                "payload": {"$ref": f"#/components/schemas/{model.__name__}"},
            }
            for model in models
        },
        "schemas": schemas["$defs"],
        "securitySchemes": _SECURITY,
    }


def _name(model: type[Any]) -> str:
    """`scan` of ScanMessage, `first` of FirstMessage."""
    return model.__name__.removesuffix("Message").lower()


def _message(model: type[Any]) -> str:
    return f"#/components/messages/{_name(model)}"

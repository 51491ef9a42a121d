"""AsyncAPI 3.0 of a dialect's WebSockets, from the models of their messages."""

from collections.abc import Iterator, Sequence
from typing import Any, Final, Literal, NamedTuple

from pydantic import BaseModel
from pydantic.json_schema import models_json_schema

from compat_rest.kernel.dialect import Dialect
from compat_rest.kernel.messages import FirstMessage
from oktograph.contracts.sockets import Parameters, Socket

Mode = Literal["validation", "serialization"]


class Server(NamedTuple):
    """`service` is its name in the settings, `port` the usual one, `prefix` where on it the paths
    begin."""

    service: str
    port: int
    prefix: str = ""


def asyncapi_document(
    dialect: Dialect, sockets: Sequence[Socket], server: Server
) -> dict[str, Any]:
    return {
        "asyncapi": "3.0.0",
        "info": {
            "title": f"{dialect.title}: live",
            "version": dialect.version,
            "description": "What happens, as it happens. Messages come in the order of the log.",
        },
        "defaultContentType": "application/json",
        "servers": {dialect.name: _server(server)},
        "channels": {socket.channel: _channel(socket) for socket in sockets},
        "operations": {
            name: operation for socket in sockets for name, operation in _operations(socket)
        },
        "components": _components(sockets),
    }


def _server(server: Server) -> dict[str, Any]:
    service, port, prefix = server
    return ({"pathname": prefix} if prefix else {}) | {
        "host": "{host}:{port}",
        "protocol": "ws",
        "description": "The same port as the REST API; wss behind a proxy that ends TLS.",
        "variables": {
            "host": {"default": "127.0.0.1", "description": f"Of the {service}"},
            "port": {"default": str(port), "description": f"OKTOGRAPH_{service.upper()}_PORT"},
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


def _channel(socket: Socket) -> dict[str, Any]:
    query = _query(socket.parameters)
    return {
        "address": socket.path,
        "messages": {_name(model): {"$ref": _message(model)} for model in socket.models},
        "bindings": {"ws": {"bindingVersion": "0.1.0", "method": "GET", "query": query}},
        "x-close-codes": dict(socket.codes),
    }


def _query(parameters: Parameters) -> dict[str, Any]:
    token = {"type": "string", "description": "See the security scheme `queryToken`"}
    return {"type": "object", "properties": {**parameters, "token": token}}


def _operations(socket: Socket) -> Iterator[tuple[str, dict[str, Any]]]:
    told = "Only where the handshake carried no token, within three seconds"
    yield from _operation(socket, "authenticate", "receive", told, (FirstMessage,))
    yield from _operation(socket, "follow", "send", socket.tells, socket.sent)
    if socket.heard:
        yield from _operation(socket, "report", "receive", socket.hears, socket.heard)


def _operation(
    socket: Socket, does: str, action: str, summary: str, models: Sequence[type[BaseModel]]
) -> Iterator[tuple[str, dict[str, Any]]]:
    """Named for what it does; beside the first channel of all, also for where."""
    where = "" if socket.channel == "stream" else socket.channel.capitalize()
    channel = f"#/channels/{socket.channel}"
    yield (
        f"{does}{where}",
        {
            "action": action,
            "channel": {"$ref": channel},
            "summary": summary,
            "messages": [{"$ref": f"{channel}/messages/{_name(model)}"} for model in models],
        },
    )


def _components(sockets: Sequence[Socket]) -> dict[str, Any]:
    modes = _modes(sockets)
    _, schemas = models_json_schema(
        list(modes.items()), ref_template="#/components/schemas/{model}"
    )
    return {
        "messages": {
            _name(model): {
                "name": _name(model),
                "title": model.__name__,
                "summary": " ".join((model.__doc__ or "").split()),
                "payload": {"$ref": f"#/components/schemas/{model.__name__}"},
            }
            for model in modes
        },
        "schemas": schemas["$defs"],
        "securitySchemes": _SECURITY,
    }


def _modes(sockets: Sequence[Socket]) -> dict[type[BaseModel], Mode]:
    """What is sent is described as it is written, what is heard as it is read."""
    found: dict[type[BaseModel], Mode] = {}
    for socket in sockets:
        found |= dict.fromkeys(socket.sent, "serialization")
        found |= dict.fromkeys(socket.heard, "validation")
    return found | {FirstMessage: "serialization"}


def _name(model: type[BaseModel]) -> str:
    """`scan` of ScanMessage, `first` of FirstMessage, `ping` of PingFrame."""
    return model.__name__.removesuffix("Message").removesuffix("Frame").lower()


def _message(model: type[BaseModel]) -> str:
    return f"#/components/messages/{_name(model)}"

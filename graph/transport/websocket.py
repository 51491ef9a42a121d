"""`graphql-transport-ws`: subscriptions, queries and mutations over one WebSocket.

Close codes are those of the protocol (4400, 4401, 4403, 4406, 4408, 4409, 4429), 1009 for a
message that is too large, 1012 when the service stops, 1013 for a socket that does not drain. A
token that ends closes with 4403, as one that was never valid.
"""

from typing import Final
from urllib.parse import urlsplit

from starlette.datastructures import Headers
from starlette.requests import HTTPConnection
from starlette.types import Receive, Scope, Send

from graph.execution import Engine
from graph.transport.session import Session
from graph.transport.settings import ContextFactory, TransportSettings

PROTOCOL: Final = "graphql-transport-ws"


class WebSocketEndpoint:
    """The ASGI application that takes the handshakes."""

    def __init__(
        self, engine: Engine, context_factory: ContextFactory, settings: TransportSettings
    ) -> None:
        self._engine = engine
        self._context = context_factory
        self._settings = settings

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if (await receive())["type"] != "websocket.connect":
            return
        headers = Headers(scope=scope)
        if not self._may_open(headers):
            await send({"type": "websocket.close", "code": 4403})  # before the accept: HTTP 403
            return
        if PROTOCOL not in scope["subprotocols"]:
            await send({"type": "websocket.accept"})
            reason = f"The only subprotocol is {PROTOCOL}"
            await send({"type": "websocket.close", "code": 4406, "reason": reason})
            return
        await send({"type": "websocket.accept", "subprotocol": PROTOCOL})
        connection = HTTPConnection(scope)
        await Session(self._engine, self._context, self._settings, connection, receive, send).run()

    def _may_open(self, headers: Headers) -> bool:
        """A page of another site must not use the browser's access to this server."""
        origin = headers.get("origin")
        allowed = self._settings.allowed_origins
        if origin is None:
            return True
        if allowed is None:
            return urlsplit(origin).netloc.lower() == headers.get("host", "").lower()
        return "*" in allowed or origin in allowed

"""uvicorn's connections with the bounds that it leaves open.

Neither the head of a request nor the time that one takes is bounded there, a closing socket may
wait for ever for a peer that does not read, and pongs pile up unread. Costs are kept off the hot
path: a request sets two fields, and one sweep a second looks at all connections.
"""

from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any, Final

import structlog
from uvicorn.protocols.http.httptools_impl import HttpToolsProtocol
from uvicorn.protocols.websockets.websockets_sansio_impl import WebSocketsSansIOProtocol

MAX_HEAD_BYTES: Final = 64 * 1024
MAX_UNSENT_BYTES: Final = 32 * 1024 * 1024
STEADY_BYTES_S: Final = 64 * 1024
"""A body that comes at least so fast may take as long as it is large: firmware over a slow line."""
STOPPING: Final = (1012, "The service is stopping; resume from the last cursor")

logger = structlog.get_logger(__name__)


class HttpConnection(HttpToolsProtocol):
    """Knows since when a request has been coming in, and how long its head has become."""

    def __init__(self, *given: Any, **named: Any) -> None:
        super().__init__(*given, **named)
        self.receiving_since_s: float | None = self.loop.time()
        self.closing_since_s: float | None = None
        self.received_bytes = 0
        self._head_bytes: int | None = 0

    def on_message_begin(self) -> None:
        super().on_message_begin()
        self.receiving_since_s = self.loop.time()
        self.received_bytes = 0
        self._head_bytes = 0

    def on_headers_complete(self) -> None:
        self._head_bytes = None
        super().on_headers_complete()

    def on_message_complete(self) -> None:
        self.receiving_since_s = None
        super().on_message_complete()

    def shutdown(self) -> None:
        """What has not come in whole was not taken: nobody waits for the rest of it."""
        if self.receiving_since_s is not None:
            self.transport.close()
        else:
            super().shutdown()

    def data_received(self, data: bytes) -> None:
        self.received_bytes += len(data)
        if self._head_bytes is not None:
            self._head_bytes += len(data)
            # Judged before the parser keeps it; what follows the head in its last packet is
            # at most one packet, so a head within the bound never fails for its body.
            if self._head_bytes - len(data) > MAX_HEAD_BYTES:
                self.send_400_response("Request head too large")
                return
        super().data_received(data)


class WebSocketConnection(WebSocketsSansIOProtocol):
    """Says in words why it closes when the service stops."""

    receiving_since_s: float | None = None
    received_bytes = 0
    closing_since_s: float | None = None

    def send_receive_event_to_app(self) -> None:
        """Text that is none is the peer's fault: told to it, and no error of ours in the log."""
        if self.curr_msg_data_type == "text" and not _is_utf8(b"".join(self.frames)):
            self.frames = []
            self.conn.fail(1007, "The message is not UTF-8")
            self.handle_parser_exception()
            return
        super().send_receive_event_to_app()

    def shutdown(self) -> None:
        if not self.handshake_complete or self.close_sent:
            super().shutdown()
            return
        self.stop_keepalive()
        code, reason = STOPPING
        self.queue.put_nowait({"type": "websocket.disconnect", "code": code, "reason": reason})
        self.conn.send_close(code, reason)
        self.close_sent = True
        self.transport.write(b"".join(self.conn.data_to_send()))
        self.transport.close()


@dataclass(frozen=True, slots=True)
class Bounds:
    """`request_s`: from a request's first byte to its last, beside what its body takes that comes
    steadily; `drain_s`: what a closed connection may take to hand over the rest."""

    request_s: float = 60.0
    drain_s: float = 30.0


def sweep(connections: Iterable[Any], bounds: Bounds, now_s: float) -> int:
    """Breaks what is over its bounds; how many those were. One line in the log for all of them:
    a crowd that misbehaves must not fill the disk."""
    reasons: Counter[str] = Counter()
    for connection in tuple(connections):
        reason = _excess(connection, bounds, now_s)
        if reason is not None:
            reasons[reason] += 1
            connection.transport.abort()
    if reasons:
        logger.warning("connections broken", **reasons)
    return reasons.total()


def _excess(connection: Any, bounds: Bounds, now_s: float) -> str | None:
    since_s = connection.receiving_since_s
    steady_s = connection.received_bytes / STEADY_BYTES_S
    if since_s is not None and now_s - since_s > bounds.request_s + steady_s:
        return "request_too_slow"
    if connection.transport.get_write_buffer_size() > MAX_UNSENT_BYTES:
        return "too_much_unread"
    if not connection.transport.is_closing():
        return None
    if connection.closing_since_s is None:
        connection.closing_since_s = now_s
    drained = now_s - connection.closing_since_s <= bounds.drain_s
    return None if drained else "closed_and_not_read"


def _is_utf8(data: bytes) -> bool:
    try:
        data.decode()
    except UnicodeDecodeError:
        return False
    return True

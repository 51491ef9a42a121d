"""PostgreSQL connections that learn that their server has gone.

A server that vanishes (a machine without power, a cut line) closes nothing. By itself the system
would try for a quarter of an hour to deliver a ROLLBACK, which cannot be cancelled, and wait for
ever for the answer of one that was delivered.
"""

import socket
from typing import Any, Final

import asyncpg

GONE_S: Final = 30
"""Who acknowledges nothing for as long has gone. Statements may take longer: the server's system
acknowledges while the server works."""
_OPTIONS: Final = (
    (socket.SOL_SOCKET, "SO_KEEPALIVE", 1),
    (socket.IPPROTO_TCP, "TCP_KEEPIDLE", GONE_S // 3),
    (socket.IPPROTO_TCP, "TCP_KEEPINTVL", GONE_S // 6),
    (socket.IPPROTO_TCP, "TCP_KEEPCNT", 4),
    (socket.IPPROTO_TCP, "TCP_USER_TIMEOUT", GONE_S * 1000),
)


async def connect(*place: Any, **options: Any) -> Any:
    """`asyncpg.connect`; also for SQLAlchemy's `async_creator_fn`."""
    connection = await asyncpg.connect(*place, **options)
    ours = connection._transport.get_extra_info("socket")
    if ours.family in (socket.AF_INET, socket.AF_INET6):
        for level, name, value in _OPTIONS:
            if hasattr(socket, name):  # not every system has each
                ours.setsockopt(level, getattr(socket, name), value)
    return connection

"""How the tail reads the log: a hundred times a second where the line is busy.

On SQLite by a connection of its own, on the loop: a short read along the primary key takes some
20 us, through a session and its thread thirty times that. Readers of a WAL never wait for its
writer, so nothing here can hold the loop up for long.
"""

import sqlite3
from typing import Final

from domain.kernel import eventlog
from domain.kernel.database import Database
from domain.kernel.errors import Unavailable
from domain.kernel.eventlog import LogRow

# The columns in the order of LogRow's fields.
AFTER: Final = (
    "SELECT seq, customer_id, stream, kind, key, payload, occurred_at_us "
    "FROM event_log WHERE seq > ? ORDER BY seq LIMIT ?"
)
# Only recovery after a crash locks readers out; the tail looks again by itself.
BUSY_TIMEOUT_S: Final = 0.05


class LogReader:
    """Belongs to one loop; `close` it there."""

    def __init__(self, database: Database) -> None:
        self._database = database
        self._connection: sqlite3.Connection | None = None

    async def after(self, seq: int, limit: int) -> list[LogRow]:
        """The next rows of the whole log, in order. Raises Unavailable."""
        if self._database.is_sqlite:
            return self._read(seq, limit)
        async with self._database.read() as session:
            return await eventlog.read_after(session, seq, limit)

    def close(self) -> None:
        connection, self._connection = self._connection, None
        if connection is not None:
            connection.close()

    def _read(self, seq: int, limit: int) -> list[LogRow]:
        try:
            rows = self._connected().execute(AFTER, (seq, limit)).fetchall()
        except sqlite3.Error as error:
            self.close()
            raise Unavailable("The storage does not answer", cause=str(error)) from error
        return [LogRow(*row) for row in rows]

    def _connected(self) -> sqlite3.Connection:
        if self._connection is None:
            path = str(self._database.url.database)
            self._connection = sqlite3.connect(path, timeout=BUSY_TIMEOUT_S, isolation_level=None)
            self._connection.execute("PRAGMA query_only=ON")
        return self._connection

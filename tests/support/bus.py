"""Real brokers behind one handle, and the ends of a bus that processes would hold."""

from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field

import asyncpg

from domain.kernel.database import Database
from drivers.backoff import BackoffPolicy
from drivers.bus import BusTiming, LinkState, WakeUpBus
from tests.support.redis import RedisServer
from tests.support.waiting import eventually

QUICK = BusTiming(
    answer_s=1.0, heartbeat_s=0.2, backoff=BackoffPolicy(base_s=0.05, cap_s=0.2, floor_s=0.02)
)


@dataclass(frozen=True, slots=True)
class Broker:
    """`cut` ends every listening link, `cut_publishers` every publishing one."""

    url: str
    cut: Callable[[], Awaitable[None]]
    cut_publishers: Callable[[], Awaitable[None]]


@dataclass(slots=True)
class Process:
    """One process's end of the bus, and how often its tail was woken."""

    bus: WakeUpBus
    woken: list[None] = field(default_factory=list)

    @property
    def state(self) -> LinkState:
        return self.bus.snapshot().state

    async def live(self) -> None:
        """Connected, and woken for it."""
        await eventually(lambda: self.state is LinkState.LIVE and len(self.woken) > 0)

    def has_greeted(self) -> bool:
        """What it says each time that its link comes up is with the broker, or was refused."""
        now = self.bus.snapshot()
        return now.published + now.dropped > now.reconnects


Join = Callable[..., Awaitable[Process]]


def redis_broker(server: RedisServer) -> Broker:
    async def cut() -> None:
        assert server.run("CLIENT KILL TYPE pubsub").startswith(":")

    async def cut_publishers() -> None:
        assert server.run("CLIENT KILL TYPE normal").startswith(":")

    return Broker(server.url, cut, cut_publishers)


def postgres_broker(database: Database) -> Broker:
    url = database.url.set(drivername="postgresql").render_as_string(hide_password=False)

    async def end(last_words: str) -> None:
        connection = await asyncpg.connect(url)
        try:
            ended = await connection.fetch(
                "SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE query ~ $1 "
                "AND datname = current_database() AND pid <> pg_backend_pid()",
                last_words,
            )
        finally:
            await connection.close()
        assert ended

    async def cut() -> None:
        await end("^(LISTEN|SELECT 1$)")

    async def cut_publishers() -> None:
        await end("pg_notify")

    return Broker(url, cut, cut_publishers)

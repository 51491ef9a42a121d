"""One connection per endpoint, whoever uses it: counted by reference, dialled once, lost for all.

A serial bus, and many a PLC, takes one master and few sockets: two controllers behind one gateway,
or a controller and a scanner on one bus, must share.
"""

import asyncio
from collections import defaultdict
from collections.abc import AsyncIterator, Awaitable, Callable, Hashable
from contextlib import asynccontextmanager
from typing import Any, Generic, TypeVar, cast

from drivers.link import ConfigurationFault, PeerLost
from drivers.turns import Turns

ClientT = TypeVar("ClientT")
EndpointT = TypeVar("EndpointT", bound=Hashable)
PoolT = TypeVar("PoolT", bound="ConnectionPool[Any, Any]")


class Connection(Generic[ClientT]):
    """A client that several devices use. They take `turns` where the protocol cannot tell whose
    answer came, or the peer takes one request at a time."""

    def __init__(self, client: ClientT) -> None:
        self._client = client
        self.turns = Turns()
        self.users = 0
        self._lost: asyncio.Future[str] = asyncio.get_running_loop().create_future()

    @property
    def is_lost(self) -> bool:
        return self._lost.done()

    def client(self) -> ClientT:
        """Raises PeerLost once it is lost."""
        if self._lost.done():
            raise PeerLost(self._lost.result())
        return self._client

    def lose(self, reason: str) -> None:
        """Tells all its users; the next lease dials anew. Again changes nothing."""
        if not self._lost.done():
            self._lost.set_result(reason)

    async def until_lost(self) -> None:
        """Raises PeerLost when that happens."""
        raise PeerLost(await asyncio.shield(self._lost))


class _Place(Generic[ClientT]):
    """What there is of one endpoint."""

    def __init__(self) -> None:
        self.changed = asyncio.Condition()
        self.connection: Connection[ClientT] | None = None
        self.failures = 0
        self.error: Exception | None = None


class ConnectionPool(Generic[EndpointT, ClientT]):
    """`dial` opens an endpoint and raises what a driver's `run` may; cancelled, it leaves nothing
    open. `hang_up` closes a client and does not raise."""

    def __init__(
        self,
        dial: Callable[[EndpointT], Awaitable[ClientT]],
        hang_up: Callable[[ClientT], Awaitable[None]],
    ) -> None:
        self._dial = dial
        self._hang_up = hang_up
        self._places: defaultdict[EndpointT, _Place[ClientT]] = defaultdict(_Place)

    @asynccontextmanager
    async def lease(self, endpoint: EndpointT) -> AsyncIterator[Connection[ClientT]]:
        """The endpoint's connection. Whoever waits while it is being dialled shares a failure;
        the last to leave hangs up. A lost one is dialled anew when all have left it: a serial port
        opens once."""
        place = self._places[endpoint]
        connection = await self._joined(endpoint, place)
        try:
            yield connection
        finally:
            leaving = asyncio.ensure_future(self._leave(place, connection))
            try:
                await asyncio.shield(leaving)
            except asyncio.CancelledError:
                # Whoever stops a device may open its port right after.
                await asyncio.wait({leaving})
                raise

    async def _joined(self, endpoint: EndpointT, place: _Place[ClientT]) -> Connection[ClientT]:
        failures = place.failures
        async with place.changed:
            while place.connection is not None and place.connection.is_lost:
                await place.changed.wait()
            if place.connection is None:
                if place.failures != failures:
                    raise _again(place.error)
                place.connection = await self._dialled(endpoint, place)
            place.connection.users += 1
            return place.connection

    async def _dialled(self, endpoint: EndpointT, place: _Place[ClientT]) -> Connection[ClientT]:
        try:
            return Connection(await self._dial(endpoint))
        except Exception as error:
            place.failures, place.error = place.failures + 1, error
            raise

    async def _leave(self, place: _Place[ClientT], connection: Connection[ClientT]) -> None:
        async with place.changed:
            connection.users -= 1
            if connection.users == 0:
                connection.lose("closed")
                await self._hang_up(connection._client)
                place.connection = None
                place.changed.notify_all()


class Connections:
    """The pools of one process, one per protocol, each made when first asked for: whoever names
    the same maker shares its pool."""

    def __init__(self) -> None:
        self._pools: dict[object, object] = {}

    def pool(self, make: Callable[[], PoolT]) -> PoolT:
        if make not in self._pools:
            self._pools[make] = make()
        return cast(PoolT, self._pools[make])


def _again(error: Exception | None) -> Exception:
    """What the one that dialled met, for those that waited for it."""
    kind = ConfigurationFault if isinstance(error, ConfigurationFault) else PeerLost
    return kind(str(error) or type(error).__name__)

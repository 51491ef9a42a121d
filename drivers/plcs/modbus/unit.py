"""Questions to one unit, over a connection that others may share."""

import asyncio

from drivers.connections import Connection
from drivers.link import PeerLost
from drivers.plcs.modbus import pdu
from drivers.plcs.modbus.link import ModbusLink
from drivers.plcs.modbus.pdu import Refusal, Request
from drivers.plcs.tags import TagRefused
from drivers.turns import Turns

BUSY_PAUSE_S = 0.02
# A connection that several units share is not given up for one that is silent, but when nobody
# has been heard on it for so long: twice the interval in which each is asked for a sign of life.
SILENCE_S = 10.0

_AGAIN = (pdu.BUSY, pdu.GATEWAY_NO_PATH, pdu.GATEWAY_NO_ANSWER)


class UnitRefused(TagRefused):
    """With the exception code."""

    def __init__(self, refusal: Refusal) -> None:
        super().__init__(str(refusal))
        self.code = refusal.code


class Unit:
    """`timeout_s` is for one answer; `retries`, how often it is asked again while it is busy or
    its gateway has no answer. Whoever asks has taken one of the `turns`."""

    def __init__(
        self, connection: Connection[ModbusLink], number: int, timeout_s: float, retries: int
    ) -> None:
        self.number = number
        self._connection = connection
        self._timeout_s = timeout_s
        self._retries = retries

    @property
    def turns(self) -> Turns:
        return self._connection.turns

    @property
    def peer(self) -> str:
        return f"{self._connection.client().peer} unit {self.number}"

    async def ask(self, request: Request) -> bytes:
        """The body of the answer. Raises UnitRefused, TimeoutError or PeerLost."""
        try:
            return await self._answered(request)
        except Refusal as refusal:
            if refusal.code in _AGAIN:
                raise PeerLost(f"unit {self.number}: {refusal}") from None
            raise UnitRefused(refusal) from None

    async def until_lost(self) -> None:
        """Raises PeerLost."""
        try:
            await self._connection.client().until_ended()
        except PeerLost as ended:
            self._connection.lose(str(ended))
            raise

    async def _answered(self, request: Request) -> bytes:
        for _ in range(self._retries):
            try:
                return await self._asked_once(request)
            except Refusal as refusal:
                if refusal.code not in _AGAIN:
                    raise
            await asyncio.sleep(BUSY_PAUSE_S)
        return await self._asked_once(request)

    async def _asked_once(self, request: Request) -> bytes:
        link = self._connection.client()
        try:
            answer = await link.ask(self.number, request, self._timeout_s)
        except TimeoutError:
            silence_s = max(SILENCE_S, 2 * self._timeout_s)
            if asyncio.get_running_loop().time() - link.heard_at_s > silence_s:
                self._connection.lose(f"{link.peer}: nobody answers")
            raise
        return pdu.body(request, answer)

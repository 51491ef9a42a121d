"""aiomqtt with four habits that it does not have.

As it comes (2.5) it acknowledges a message before anybody has seen it, which loses what waits in
memory when a process ends (its issue 345): here whoever was given a message acknowledges it. A
broker that hangs up during the handshake, as it does on a certificate that it does not know, is
told at once instead of after a timeout. An attempt that failed leaves no socket behind. And whoever
is cancelled in the moment in which an answer comes is cancelled: `asyncio.wait_for`, with which it
waits, returns the answer instead before Python 3.12, and a gateway would publish on for ever.
"""

import asyncio
import logging
import math
import ssl
from collections.abc import Awaitable, Callable, Sequence
from typing import Any, NamedTuple, Self, TypeVar

import aiomqtt
import paho.mqtt.client as paho

from drivers.link import PeerLost
from drivers.mqtt.endpoint import Endpoint

T = TypeVar("T")

ANSWER_S = 10.0
KEEPALIVE_S = 30
_QUIET = logging.getLogger("oktograph.paho")
_QUIET.addHandler(logging.NullHandler())
_QUIET.propagate = False
REFUSED = 0x80
"""A broker's answer to a subscription that it does not allow."""


class Arrived(NamedTuple):
    """A message as it came. `number` is None where nobody waits for its acknowledgement. One that
    is `retained` was published some time or other: the broker shows it to each new subscription."""

    topic: str
    payload: bytes
    number: int | None
    retained: bool = False


class Client(aiomqtt.Client):
    """One connection: an async context that raises PeerLost where there is none to be had."""

    def __init__(
        self,
        endpoint: Endpoint,
        identifier: str,
        *,
        tls: ssl.SSLContext | None = None,
        received: Callable[[Arrived], None] | None = None,
        persistent: bool = False,
        max_inflight: int = 20,
    ) -> None:
        """`received` is called on the loop and must not raise. With `persistent` the broker keeps
        the subscriptions of `identifier`, and what it owes them, while nobody is connected."""
        super().__init__(
            endpoint.host,
            endpoint.port,
            username=endpoint.username,
            password=endpoint.password,
            identifier=identifier,
            clean_session=not persistent,
            tls_context=tls if endpoint.tls else None,
            keepalive=KEEPALIVE_S,
            timeout=ANSWER_S,
            max_inflight_messages=max_inflight,
            logger=_QUIET,
        )
        self._said = ""
        self._client.on_log = self._note
        self.pending_calls_threshold = max_inflight
        self._received = received
        if received is not None:
            self._client.manual_ack_set(True)

    async def __aenter__(self) -> Self:
        try:
            return await super().__aenter__()
        except aiomqtt.MqttError as error:
            self._drop()
            raise PeerLost(_reason(error)) from error
        except BaseException:
            self._drop()
            raise

    async def __aexit__(self, *raised: Any) -> None:
        try:
            await super().__aexit__(*raised)
        except aiomqtt.MqttError:
            self._drop()  # it does not say goodbye: so be it

    async def subscribed(self, topics: str) -> None:
        """At QoS 1. Raises PeerLost where the broker refuses or does not answer."""
        try:
            granted: Sequence[Any] = await self.subscribe(topics, qos=1)
        except aiomqtt.MqttError as error:
            raise PeerLost(_reason(error)) from error
        if any(getattr(one, "value", one) >= REFUSED for one in granted):
            raise PeerLost(f"the broker does not let us subscribe to {topics}")

    async def publish_acknowledged(self, topic: str, payload: bytes, timeout_s: float) -> None:
        """At QoS 1: returns once the broker has it. Raises PeerLost."""
        try:
            await self.publish(topic, payload, qos=1, timeout=timeout_s)
        except aiomqtt.MqttError as error:
            raise PeerLost(_reason(error)) from error

    def acknowledge(self, message: Arrived) -> None:
        """It is on disk: the broker may forget it. Nothing where the link is lost meanwhile, then
        it comes again."""
        if message.number is not None and not self._disconnected.done():
            self._client.ack(message.number, 1)

    async def lost(self) -> None:
        """Raises PeerLost when the connection is over."""
        await asyncio.wait({self._disconnected})
        raise PeerLost(str(self._disconnected.exception() or "the broker hung up on us"))

    async def _wait_for(self, fut: Awaitable[T], timeout: float | None) -> T:
        within_s = self.timeout if timeout is None else timeout
        try:
            async with asyncio.timeout(None if within_s == math.inf else within_s):
                return await fut
        except TimeoutError:
            raise aiomqtt.MqttError("the broker does not answer") from None

    def _on_message(self, client: paho.Client, userdata: Any, message: paho.MQTTMessage) -> None:
        if self._received is None:
            return
        number = message.mid if message.qos else None
        payload = bytes(message.payload)
        self._received(Arrived(_text(message), payload, number, message.retain))

    def _on_disconnect(
        self,
        client: paho.Client,
        userdata: Any,
        flags: paho.DisconnectFlags,
        reason_code: Any,
        properties: Any = None,
    ) -> None:
        if self._connected.cancelled():
            return  # whoever waited for it has gone
        if not self._connected.done():
            why = f": {self._said}" if self._said else ""
            self._connected.set_exception(aiomqtt.MqttError(f"the broker hung up on us{why}"))
            return
        super()._on_disconnect(client, userdata, flags, reason_code, properties)

    def _note(self, client: paho.Client, userdata: Any, level: int, said: str) -> None:
        """What paho complains of becomes the reason why a link is lost."""
        if level == paho.MQTT_LOG_ERR:
            self._said = said

    def _drop(self) -> None:
        """Paho closes the socket once its goodbye is written, or cannot be."""
        self._client.disconnect()


def _text(message: paho.MQTTMessage) -> str:
    try:
        return message.topic
    except UnicodeDecodeError:
        return ""


def _reason(error: aiomqtt.MqttError) -> str:
    return str(error) or type(error).__name__

"""A gateway with a worn scanner behind it: a real client of a real broker, with a certificate."""

import asyncio
import ssl
from collections import deque
from collections.abc import Callable, Mapping
from contextlib import suppress
from random import Random
from typing import Any, Final, Self

import orjson
from pydantic import BaseModel, ConfigDict, Field

from domain.kernel.clock import SystemClock
from domain.kernel.ids import new_id
from drivers.backoff import BackoffPolicy
from drivers.link import Link, LinkState, OnTransition
from drivers.mqtt.client import Client
from drivers.mqtt.endpoint import endpoint_of
from drivers.mqtt.topics import topic_of
from drivers.racing import first_end
from drivers.supervised import SupervisedTask

MAX_WAITING: Final = 10_000
BATTERY_SCANS: Final = 200
"""Scans that a percent of a battery lasts for, and more than a shift of a demo has."""
_BACKOFF: Final = BackoffPolicy(base_s=0.25, cap_s=5.0)


class SimulatedGatewayConfig(BaseModel):
    """`key` is what its topic calls it: its id or its thing name."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    url: str
    key: str
    prefix: str = "insight"
    rate: float = Field(default=1.0, ge=0, le=1_000)
    """Scans a second."""
    device_id: str = "M2MR101000001"
    firmware: str = "1.4.2"
    symbology: str = "GS1_DATA_MATRIX"
    faults: frozenset[str] = frozenset()
    """`duplicate` tells each scan twice, `garbage` something else in between."""


class SimulatedGateway:
    """An async context; a `Driver`, looked after while it is open. Scans that it cannot publish
    wait, and go in their order, under the names that they have."""

    def __init__(
        self,
        config: SimulatedGatewayConfig,
        tls: ssl.SSLContext,
        next_code: Callable[[], str],
        on_transition: OnTransition | None = None,
    ) -> None:
        self.config = config
        self.faults = set(config.faults)
        self.published = 0
        self.battery = 100
        self._tls = tls
        self._next_code = next_code
        self._random = Random()  # noqa: S311 - a simulation
        self._waiting: deque[bytes] = deque(maxlen=MAX_WAITING)
        self._scanned = asyncio.Event()
        self._scans = 0
        self.task = SupervisedTask(
            f"gateway {config.key}", self, backoff=_BACKOFF, on_transition=on_transition
        )

    async def __aenter__(self) -> Self:
        self.task.start()
        self._scanning = asyncio.create_task(self._scan_on(), name="scanner")
        return self

    async def __aexit__(self, *_: object) -> None:
        self._scanning.cancel()
        with suppress(asyncio.CancelledError):
            await self._scanning
        await self.task.stop()

    @property
    def topic(self) -> str:
        return topic_of(self.config.prefix, self.config.key)

    @property
    def waiting(self) -> int:
        return len(self._waiting)

    def scan(self, code: str, **more: Any) -> str:
        """Somebody reads `code`; the name of the event."""
        self._scans += 1
        self.battery = max(1, 100 - self._scans // BATTERY_SCANS)
        event = self._event(code) | more
        payload = orjson.dumps(event)
        self._waiting.append(payload)
        if "duplicate" in self.faults:
            self._waiting.append(payload)
        if "garbage" in self.faults:
            self._waiting.append(b'{"type": "scan", "scan_code": ')
        self._scanned.set()
        return str(event["id"])

    async def connected(self, timeout_s: float = 10.0) -> None:
        await self.task.wait_for_state(LinkState.CONNECTED, timeout_s)

    async def run(self, link: Link) -> None:
        """For its supervisor."""
        endpoint = endpoint_of(self.config.url)
        async with Client(endpoint, f"gateway-{new_id()}", tls=self._tls) as client:
            await link.connected(self.config.url)
            await first_end(client.lost(), self._publish_on(client))

    async def aclose(self) -> None:
        """Nothing outlives an attempt."""

    def counters(self) -> Mapping[str, int]:
        return {"published": self.published, "waiting": len(self._waiting)}

    async def _publish_on(self, client: Client) -> None:
        while True:
            await self._scanned.wait()
            self._scanned.clear()
            while self._waiting:
                # Taken away only when the broker has it: at least once.
                payload = self._waiting[0]
                await client.publish_acknowledged(self.topic, payload, timeout_s=10.0)
                if self._waiting[0] is payload:
                    self._waiting.popleft()
                self.published += 1

    async def _scan_on(self) -> None:
        if not self.config.rate:
            return
        while True:
            await asyncio.sleep(self._random.expovariate(self.config.rate))
            self.scan(self._next_code())

    def _event(self, code: str) -> dict[str, Any]:
        return {
            "id": new_id(),
            "type": "scan",
            "created": SystemClock().now_us() // 1_000,
            "scan_code": code,
            "scan_duration": round(self._random.uniform(0.08, 0.9), 3),
            "scan_decode_symbology": self.config.symbology,
            "device_id": self.config.device_id,
            "device_battery": self.battery,
            "device_firmware": self.config.firmware,
            "device_temperature": round(self._random.uniform(24.0, 31.0), 1),
            "metrics_worker_steps": self._random.randint(0, 12),
        }

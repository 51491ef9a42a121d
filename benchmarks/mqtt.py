"""Scans of gateways over MQTT at QoS 1, stored, beside the same messages through the library alone:
aiomqtt to a broker to aiomqtt, which keeps nothing."""

import asyncio
import base64
import json
import socket
import time
from collections.abc import Callable, Sequence
from contextlib import ExitStack
from dataclasses import dataclass, field
from typing import Any, Final

import orjson
from websockets.asyncio.client import connect
from websockets.typing import Subprotocol

from benchmarks.factory import Factory, running_factory
from benchmarks.figures import Figure, Plan, Progress, median, paired_ratio, percentile
from benchmarks.machine import Child, child, free_port
from benchmarks.postgres import running_postgres
from domain.kernel.ids import new_id
from drivers.certificates.contexts import bundle_context
from drivers.link import PeerLost
from drivers.mqtt.client import Client
from drivers.mqtt.endpoint import endpoint_of
from drivers.mqtt.topics import topic_of

NAME: Final = "mqtt"
GATEWAYS: Final = 4
RATE: Final = 1_000
PACED_S: Final = 10
RUSH: Final = 10_000
IN_FLIGHT: Final = 100
"""Messages that a gateway has published and the broker has not acknowledged."""
DEADLINE_S: Final = 120.0
STORED: Final = "{ scans(first: 1) { totalCount } }"
CREATE: Final = (
    "mutation ($input: CreateGatewayInput!) { createGateway(input: $input) { id uuid } }"
)
PREPARE: Final = "mutation ($id: ID!) { prepareGatewayProvisioning(id: $id) { token } }"
PROVISION: Final = """mutation ($input: ProvisionGatewayInput!) {
  provisionGateway(input: $input) { pkcs12 mqttEndpoint mqttTopicPrefix } }"""
STREAM: Final = "subscription { scans { scan { timestamp gateway { eventId } } } }"


@dataclass(frozen=True, slots=True)
class Gateway:
    url: str
    topic: str
    pkcs12: bytes


@dataclass(slots=True)
class Speeds:
    """Messages a second; milliseconds from a gateway to whoever is told."""

    rush: list[float] = field(default_factory=list)
    p50_ms: list[float] = field(default_factory=list)
    p99_ms: list[float] = field(default_factory=list)
    cpu_us: list[float] = field(default_factory=list)


def run(plan: Plan, progress: Progress) -> list[Figure]:
    figures: list[Figure] = []
    for on in ("SQLite", "PostgreSQL"):
        with ExitStack() as stack:
            url = stack.enter_context(running_postgres()).url if on == "PostgreSQL" else ""
            factory = stack.enter_context(
                running_factory(database_url=url, mqtt="bundled", mqtt_port=free_port())
            )
            bare = stack.enter_context(child("benchmarks.servers.mqtt_listener", gateways=GATEWAYS))
            rig = Rig(factory, bare)
            ours, theirs = Speeds(), Speeds()
            for number in range(plan.rounds):
                progress.stage(f"mqtt on {on}: round {number + 1} of {plan.rounds}")
                rig.measure(plan, ours, theirs)
            rig.require_all()
            figures += _figures(on, ours, theirs)
            progress.note(f"mqtt on {on}: {rig.told:,} scans were acknowledged, all are stored")
    return figures


class Rig:
    """`told` is how many scans gateways were acknowledged so far."""

    def __init__(self, factory: Factory, bare: Child) -> None:
        self._factory = factory
        self._bare = bare
        self._gateways = [_let_in(factory, f"gateway-{number}") for number in range(GATEWAYS)]
        asyncio.run(_admitted(self._gateways))
        self._others = [
            Gateway(one["url"], one["topic"], base64.b64decode(one["pkcs12"]))
            for one in bare.said["gateways"]
        ]
        self._others_told = 0
        self._last: dict[str, Any] = {}
        self.told = 0

    def measure(self, plan: Plan, ours: Speeds, theirs: Speeds) -> None:
        rush, paced_s = plan.amount(RUSH), PACED_S * plan.share
        begun = self._factory.child.cpu_s()
        ours.rush.append(self._rush(self._gateways, rush, self._stored))
        ours.cpu_us.append((self._factory.child.cpu_s() - begun) / rush * 1e6)
        begun = self._bare.cpu_s()
        theirs.rush.append(self._rush(self._others, rush, self._heard))
        theirs.cpu_us.append((self._bare.cpu_s() - begun) / rush * 1e6)
        on_their_way = asyncio.run(self._paced_and_seen(paced_s))
        ours.p50_ms.append(percentile(on_their_way, 0.5))
        ours.p99_ms.append(percentile(on_their_way, 0.99))
        self._ask_bare()
        self._others_told += asyncio.run(paced(self._others, RATE, paced_s))
        self._wait(self._heard, self._others_told)
        found = self._last
        theirs.p50_ms.append(found["p50"])
        theirs.p99_ms.append(found["p99"])

    def require_all(self) -> None:
        """None lost, none twice."""
        self._wait(self._stored, self.told)
        found = self._factory.ask(STORED)["scans"]["totalCount"]
        if found != self.told:
            raise RuntimeError(f"{self.told} scans were acknowledged, {found} are stored")

    def _rush(self, gateways: Sequence[Gateway], count: int, arrived: Callable[[], int]) -> float:
        """As fast as it goes, until the last is there."""
        ours = gateways is self._gateways
        expected = (self.told if ours else self._others_told) + count
        begun_s = time.perf_counter()
        asyncio.run(rush(gateways, count))
        self._wait(arrived, expected)
        elapsed_s = time.perf_counter() - begun_s
        if ours:
            self.told = expected
        else:
            self._others_told = expected
        return count / elapsed_s

    async def _paced_and_seen(self, seconds: float) -> list[float]:
        """From a gateway until a subscriber of the graph has it, by one clock."""
        address = f"ws://127.0.0.1:{self._factory.port}/graphql"
        async with connect(address, subprotocols=[Subprotocol("graphql-transport-ws")]) as socket_:
            token = {"Authorization": f"Bearer {self._factory.token}"}
            await socket_.send(json.dumps({"type": "connection_init", "payload": token}))
            await socket_.recv()
            request = {"id": "1", "type": "subscribe", "payload": {"query": STREAM}}
            await socket_.send(json.dumps(request))
            seen: dict[str, float] = {}

            async def watch() -> None:
                async for message in socket_:
                    now_ms = time.time() * 1e3
                    data = orjson.loads(message)["payload"]["data"]
                    seen[data["scans"]["scan"]["gateway"]["eventId"]] = now_ms

            watching = asyncio.create_task(watch())
            sent: dict[str, float] = {}
            told = await paced(self._gateways, RATE, seconds, sent)
            async with asyncio.timeout(DEADLINE_S):
                while len(seen) < told:  # noqa: ASYNC110 - counted, not told
                    await asyncio.sleep(0.01)
            watching.cancel()
            await asyncio.wait({watching})
        self.told += told
        return [seen[name] - at_ms for name, at_ms in sent.items()]

    def _stored(self) -> int:
        with socket.create_connection(("127.0.0.1", self._factory.port)) as wire:
            wire.sendall(b"GET /metrics HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n")
            page = b"".join(iter(lambda: wire.recv(65_536), b""))
        line = next(one for one in page.splitlines() if b'outcome="stored"' in one)
        return int(float(line.rpartition(b" ")[2]))

    def _heard(self) -> int:
        return int(self._ask_bare()["count"])

    def _ask_bare(self) -> dict[str, Any]:
        with socket.create_connection(("127.0.0.1", self._bare.port)) as wire:
            answer = b"".join(iter(lambda: wire.recv(65_536), b""))
        found: dict[str, Any] = json.loads(answer)
        if found["p99"]:
            self._last = found
        return found

    def _wait(self, arrived: Callable[[], int], expected: int) -> None:
        deadline_s = time.monotonic() + DEADLINE_S
        while (found := arrived()) < expected:
            if time.monotonic() > deadline_s:
                raise RuntimeError(f"of {expected} messages {found} arrived")
            time.sleep(0.02)


async def rush(gateways: Sequence[Gateway], count: int) -> None:
    """Each is acknowledged by the broker when this returns."""

    async def one(gateway: Gateway, share: int) -> None:
        async with _connected(gateway) as client:
            room = asyncio.Semaphore(IN_FLIGHT)

            async def publish() -> None:
                async with room:
                    await client.publish_acknowledged(gateway.topic, _payload()[1], DEADLINE_S)

            await asyncio.gather(*(publish() for _ in range(share)))

    share, rest = divmod(count, len(gateways))
    shares = [share + (number < rest) for number in range(len(gateways))]
    await asyncio.gather(*map(one, gateways, shares))


async def paced(
    gateways: Sequence[Gateway], rate: float, seconds: float, sent: dict[str, float] | None = None
) -> int:
    """`rate` a second of all together, evenly; how many were acknowledged. `sent` is told when
    each was published, in milliseconds, by its name."""
    each = round(rate * seconds / len(gateways))

    async def one(gateway: Gateway, offset_s: float) -> None:
        loop = asyncio.get_running_loop()
        async with _connected(gateway) as client:
            begun_s = loop.time() + offset_s
            flying = set()
            for number in range(each):
                await asyncio.sleep(begun_s + number * len(gateways) / rate - loop.time())
                name, payload, at_ms = _payload()
                if sent is not None:
                    sent[name] = at_ms
                publishing = client.publish_acknowledged(gateway.topic, payload, DEADLINE_S)
                flying.add(asyncio.create_task(publishing))
            await asyncio.gather(*flying)

    offsets = [number / rate for number in range(len(gateways))]
    await asyncio.gather(*map(one, gateways, offsets))
    return each * len(gateways)


async def _admitted(gateways: Sequence[Gateway]) -> None:
    """The broker is told of them a moment after they are made."""
    async with asyncio.timeout(DEADLINE_S):
        for gateway in gateways:
            while not await _is_admitted(gateway):  # noqa: ASYNC110 - it is asked of a broker
                await asyncio.sleep(0.05)


async def _is_admitted(gateway: Gateway) -> bool:
    try:
        async with _connected(gateway):
            return True
    except PeerLost:
        return False


def _connected(gateway: Gateway) -> Client:
    tls = bundle_context(gateway.pkcs12)
    return Client(endpoint_of(gateway.url), f"bench-{new_id()}", tls=tls, max_inflight=IN_FLIGHT)


def _payload() -> tuple[str, bytes, float]:
    name, at_ms = new_id(), time.time() * 1e3
    event = {
        "id": name,
        "type": "scan",
        "created": at_ms,
        "scan_code": f"pick {name}",
        "scan_duration": 0.31,
        "scan_decode_symbology": "CODE_128",
        "device_id": "M2MR141204452",
        "device_battery": 93,
    }
    return name, orjson.dumps(event), at_ms


def _let_in(factory: Factory, name: str) -> Gateway:
    given = {"name": name, "usecase": "Bench", "station": "1"}
    made = factory.ask(CREATE, input=given)["createGateway"]
    token = factory.ask(PREPARE, id=made["id"])["prepareGatewayProvisioning"]["token"]
    done = factory.ask(PROVISION, input={"token": token})["provisionGateway"]
    topic = topic_of(done["mqttTopicPrefix"], made["uuid"])
    return Gateway(done["mqttEndpoint"], topic, base64.b64decode(done["pkcs12"]))


def _figures(on: str, ours: Speeds, theirs: Speeds) -> list[Figure]:
    paced_at = f"{on}, {RATE:,} a second"
    return [
        Figure(NAME, f"{on}: stored / through the library", paired_ratio(ours.rush, theirs.rush)),
        Figure(NAME, f"{paced_at}: p99 / library's", paired_ratio(ours.p99_ms, theirs.p99_ms)),
        Figure(NAME, f"{on}: stored", median(ours.rush), "scans/s", target=RATE),
        Figure(NAME, f"{on}: through the library", median(theirs.rush), "messages/s"),
        Figure(NAME, f"{on}: factory's CPU", median(ours.cpu_us), "us a scan"),
        Figure(NAME, f"{on}: library's CPU", median(theirs.cpu_us), "us a message"),
        Figure(NAME, f"{paced_at}: gateway to subscriber, p50", median(ours.p50_ms), "ms"),
        Figure(NAME, f"{paced_at}: gateway to subscriber, p99", median(ours.p99_ms), "ms"),
        Figure(NAME, f"{paced_at}: library, p50", median(theirs.p50_ms), "ms"),
        Figure(NAME, f"{paced_at}: library, p99", median(theirs.p99_ms), "ms"),
    ]

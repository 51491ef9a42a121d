"""The library alone, as its readme uses it: a broker, a subscriber that counts."""

import asyncio
import base64
import contextlib
import json
import signal
import sys
import tempfile
import time
from pathlib import Path
from typing import Any

import aiomqtt
import orjson
import uvloop

from benchmarks.figures import percentile
from domain.kernel.clock import SystemClock
from drivers.certificates.authority import InstallationAuthority
from drivers.certificates.contexts import client_context
from drivers.link import LinkState
from drivers.mqtt.broker import BundledBroker
from drivers.mqtt.configuration import Admitted, BrokerSettings
from drivers.secrets.fernet import FernetBox
from drivers.supervised import SupervisedTask
from oktograph.logs import configure_logs


class Heard:
    """How many came, and how long each was on its way; asked for over TCP, and then forgotten."""

    def __init__(self) -> None:
        self.count = 0
        self.on_their_way_ms: list[float] = []

    async def listen(self, client: aiomqtt.Client) -> None:
        async for message in client.messages:
            assert isinstance(message.payload, bytes)
            created_ms = orjson.loads(message.payload)["created"]
            self.on_their_way_ms.append(time.time() * 1e3 - created_ms)
            self.count += 1

    async def tell(self, _reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        found, self.on_their_way_ms = self.on_their_way_ms or [0.0], []
        told = {"count": self.count, "p50": percentile(found, 0.5), "p99": percentile(found, 0.99)}
        with contextlib.suppress(ConnectionError):
            writer.write(json.dumps(told).encode() + b"\n")
            await writer.drain()
            writer.close()


async def main(options: dict[str, Any], folder: Path) -> None:
    authority = InstallationAuthority.in_folder(folder, FernetBox.in_folder(folder), SystemClock())
    names = [f"gateway-{number}" for number in range(options["gateways"])]
    broker = BundledBroker(BrokerSettings(folder / "mqtt"), authority)
    await broker.admit(Admitted(name, f"{number:032x}") for number, name in enumerate(names))
    task = SupervisedTask("broker", broker)
    task.start()
    try:
        await task.wait_for_state(LinkState.CONNECTED, 20)
        tls = client_context(authority.factory_pair(), authority.certificate_pem)
        heard = Heard()
        async with aiomqtt.Client("127.0.0.1", broker.port, tls_context=tls) as client:
            await client.subscribe("insight/gateway/+", qos=1)
            bundles = [base64.b64encode((await authority.issue(one)).pkcs12) for one in names]
            told = [
                {"url": broker.url, "topic": f"insight/gateway/{name}", "pkcs12": bundle.decode()}
                for name, bundle in zip(names, bundles, strict=True)
            ]
            print(json.dumps({"gateways": told}), flush=True)
            async with await asyncio.start_server(heard.tell, "127.0.0.1", options["port"]):
                await heard.listen(client)
    finally:
        await task.stop()


if __name__ == "__main__":
    given = json.loads(sys.argv[1])
    configure_logs("error", "json")
    with tempfile.TemporaryDirectory(prefix="okto-bench-") as place:
        loop = uvloop.new_event_loop()
        work = loop.create_task(main(given, Path(place)))
        loop.add_signal_handler(signal.SIGTERM, work.cancel)
        with contextlib.suppress(asyncio.CancelledError):
            loop.run_until_complete(work)

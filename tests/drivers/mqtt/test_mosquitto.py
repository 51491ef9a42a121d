"""The folder for somebody's own Mosquitto. Where there is one on this machine it is run."""

import asyncio
import os
import shutil
import signal
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress
from pathlib import Path

import pytest

from drivers.certificates.authority import InstallationAuthority
from drivers.certificates.contexts import bundle_context, client_context
from drivers.link import PeerLost
from drivers.mqtt.client import Arrived, Client
from drivers.mqtt.configuration import Admitted
from drivers.mqtt.endpoint import Endpoint
from drivers.mqtt.mosquitto import CONFIGURATION, KEY, LIST, MosquittoFiles, MosquittoSettings
from tests.support.factory import running_factory
from tests.support.mqtt import BUNDLED, PREFIX, authority_in, let_in
from tests.support.processes import free_port
from tests.support.waiting import eventually, unchanging

PROGRAM = shutil.which("mosquitto") or shutil.which("mosquitto", path="/usr/sbin")
A, B = Admitted("gateway-a", "a" * 32), Admitted("gateway-b", "b" * 32)
BY_ID = f"{PREFIX}/gateway/aaaaaaaa-aaaa-aaaa-aaaa-aaaaaaaaaaaa"


def files_in(folder: Path, authority: InstallationAuthority, port: int = 8883) -> MosquittoFiles:
    return MosquittoFiles(MosquittoSettings(folder, port, PREFIX, ("localhost",)), authority)


async def test_the_list_names_each_gateway_and_the_factory(tmp_path: Path) -> None:
    files = files_in(tmp_path / "mqtt", authority_in(tmp_path / "keys"))
    await files.admit([B, A])
    found = (tmp_path / "mqtt" / LIST).read_text()
    assert found.startswith("pattern write insight/gateway/%u\n")
    assert "user oktograph-factory\ntopic read insight/gateway/+\n" in found
    assert f"user gateway-a\ntopic write {BY_ID}\n" in found
    before = (tmp_path / "mqtt" / KEY).read_bytes()
    await files.admit([A])
    assert "gateway-b" not in (tmp_path / "mqtt" / LIST).read_text()
    assert (tmp_path / "mqtt" / KEY).read_bytes() == before
    assert (tmp_path / "mqtt" / KEY).stat().st_mode & 0o077 == 0


async def test_a_factory_keeps_it_current(tmp_path: Path) -> None:
    folder = tmp_path / "mosquitto"
    async with running_factory(tmp_path / "factory", mqtt_files=folder, **BUNDLED) as factory:
        assert (folder / CONFIGURATION).exists()
        gateway = await let_in(factory, "Gateway1")
        await eventually(lambda: f"user Gateway1\ntopic write {gateway.topic}" in text(folder))


def text(folder: Path) -> str:
    return (folder / LIST).read_text()


@asynccontextmanager
async def mosquitto(folder: Path) -> AsyncIterator[asyncio.subprocess.Process]:
    assert PROGRAM is not None
    if os.geteuid() == 0:  # it would become a user that may read none of this
        with (folder / CONFIGURATION).open("a") as file:
            file.write("user root\n")
    process = await asyncio.create_subprocess_exec(
        PROGRAM, "-c", str(folder / CONFIGURATION), stderr=asyncio.subprocess.DEVNULL
    )
    try:
        yield process
    finally:
        with suppress(ProcessLookupError):
            process.terminate()
        await process.wait()


@pytest.mark.skipif(PROGRAM is None, reason="no mosquitto on this machine")
async def test_a_real_one_lets_each_publish_to_its_own_topic_only(tmp_path: Path) -> None:
    authority, port = authority_in(tmp_path / "keys"), free_port()
    files = files_in(tmp_path / "mqtt", authority, port)
    await files.admit([A])
    endpoint, heard = Endpoint("localhost", port, tls=True), list[Arrived]()
    own = client_context(authority.factory_pair(), authority.certificate_pem)
    tls = bundle_context((await authority.issue("gateway-a")).pkcs12)
    late = bundle_context((await authority.issue("gateway-b")).pkcs12)
    async with mosquitto(tmp_path / "mqtt") as process:
        await listens(endpoint)
        factory = Client(endpoint, "factory", tls=own, received=heard.append, persistent=True)
        async with factory, Client(endpoint, "a", tls=tls) as gateway:
            await factory.subscribed(f"{PREFIX}/gateway/+")
            for topic in (BY_ID, f"{PREFIX}/gateway/gateway-a", f"{PREFIX}/gateway/gateway-b"):
                await gateway.publish_acknowledged(topic, topic.encode(), 5.0)
            await eventually(lambda: len(heard) == 2)
            await unchanging(lambda: len(heard))
            assert [one.topic for one in heard] == [BY_ID, f"{PREFIX}/gateway/gateway-a"]
        by_id = f"{PREFIX}/gateway/{B.id}"
        async with Client(endpoint, "b", tls=late) as other:
            await other.publish_acknowledged(by_id, b"too early", 5.0)
        await files.admit([A, B])
        process.send_signal(signal.SIGHUP)
        # Not one was acknowledged: all are owed to the session, at once when it is back.
        heard.clear()
        again = Client(endpoint, "factory", tls=own, received=heard.append, persistent=True)
        async with again, Client(endpoint, "b", tls=late) as other:
            async with asyncio.timeout(10):
                while len(heard) < 3:
                    await other.publish_acknowledged(by_id, b"now", 5.0)
        assert {one.payload for one in heard[2:]} == {b"now"}


async def listens(endpoint: Endpoint) -> None:
    async with asyncio.timeout(10):
        while True:
            try:
                _, writer = await asyncio.open_connection("127.0.0.1", endpoint.port)
            except OSError:
                await asyncio.sleep(0.02)
                continue
            writer.close()
            with suppress(OSError):
                await writer.wait_closed()
            return


@pytest.mark.skipif(PROGRAM is None, reason="no mosquitto on this machine")
async def test_a_real_one_refuses_who_has_no_certificate_of_ours(tmp_path: Path) -> None:
    port = free_port()
    authority, foreign = authority_in(tmp_path / "keys"), authority_in(tmp_path / "foreign")
    await files_in(tmp_path / "mqtt", authority, port).admit([A])
    tls = client_context(foreign.factory_pair(), authority.certificate_pem)
    async with mosquitto(tmp_path / "mqtt"):
        endpoint = Endpoint("localhost", port, tls=True)
        await listens(endpoint)
        with pytest.raises(PeerLost):
            async with Client(endpoint, "x", tls=tls):
                pass

"""The bundled broker, as gateways and the factory meet it."""

import asyncio
import os
import signal
import ssl
from pathlib import Path

import pytest

from drivers.certificates.authority import Pair
from drivers.certificates.contexts import bundle_context, client_context
from drivers.link import LinkState, PeerLost
from drivers.mqtt.broker import BundledBroker
from drivers.mqtt.client import Arrived, Client
from drivers.mqtt.configuration import ACK_WAIT_S, Admitted, BrokerSettings
from drivers.mqtt.endpoint import endpoint_of
from drivers.supervised import SupervisedTask
from tests.support.clocks import SECOND_US, ManualClock
from tests.support.mqtt import Broker, authority_in, running_broker
from tests.support.waiting import eventually, unchanging

YEARS_US = 365 * 24 * 3_600 * SECOND_US
A, B = "gateway-a", "gateway-b"
TOPIC_A, TOPIC_B = f"insight/gateway/{A}", f"insight/gateway/{B}"


@pytest.mark.parametrize("key", [A, "a" * 32, "aaaaaaaa-aaaa-aaaa-aaaa-aaaaaaaaaaaa"])
async def test_a_gateway_publishes_to_its_own_topic_by_any_of_its_names(
    broker: Broker, key: str
) -> None:
    async with broker.factory() as (_, heard), broker.gateway(A) as gateway:
        await gateway.publish_acknowledged(f"insight/gateway/{key}", b"1", 5.0)
        await eventually(lambda: len(heard) == 1)
    assert (heard[0].topic, heard[0].payload) == (f"insight/gateway/{key}", b"1")


@pytest.mark.parametrize(
    "topic",
    [
        TOPIC_B,
        "insight/gateway/" + "b" * 32,
        "insight/gateway",
        "other",
        f"{TOPIC_A}/more",
        "$MQTT/msgs/insight/gateway/gateway-b",
        "$SYS/x",
    ],
)
async def test_nothing_that_it_publishes_elsewhere_arrives(broker: Broker, topic: str) -> None:
    """MQTT 3.1.1 has no word for this: the broker acknowledges, or hangs up."""
    async with broker.factory() as (_, heard):
        try:
            async with broker.gateway(A) as gateway:
                await gateway.publish_acknowledged(topic, b"as another", 5.0)
        except PeerLost:
            pass
        async with broker.gateway(B) as other:
            await other.publish_acknowledged(TOPIC_B, b"mine", 5.0)
        await eventually(lambda: bool(heard))
        await unchanging(lambda: len(heard))
    assert [one.payload for one in heard] == [b"mine"]


async def test_a_gateway_hears_nobody(broker: Broker) -> None:
    for topics in ("insight/gateway/+", TOPIC_A, "#", "$MQTT/msgs/#"):
        async with broker.gateway(A) as gateway:
            with pytest.raises(PeerLost):
                await gateway.subscribed(topics)


async def test_a_gateway_cannot_take_what_the_factory_has_to_hear(broker: Broker) -> None:
    """Whoever names a session is given it: so nobody else may know what it is called, and one who
    did still hears nothing of it."""
    async with broker.factory("secret-name"):
        pass
    tls = await broker.tls(A)
    heard: list[Arrived] = []
    thief = Client(broker.endpoint, "secret-name", tls=tls, received=heard.append, persistent=True)
    async with broker.gateway(B) as gateway:
        await gateway.publish_acknowledged(TOPIC_B, b"for the factory", 5.0)
        try:
            async with thief:
                await unchanging(lambda: len(heard), 1.0)
        except PeerLost:
            pass
    assert heard == []


async def refused(broker: Broker, tls: ssl.SSLContext) -> str:
    with pytest.raises(PeerLost) as lost:
        async with broker.gateway("anybody", tls):
            pass
    return str(lost.value)


async def test_one_that_is_not_admitted_is_refused_at_once(broker: Broker) -> None:
    async with asyncio.timeout(5):
        assert "authorized" in await refused(broker, await broker.tls("gateway-c"))


async def test_no_certificate_is_refused_with_a_reason(broker: Broker) -> None:
    trusted = broker.authority.certificate_pem.decode()
    tls = ssl.create_default_context(cadata=trusted)
    async with asyncio.timeout(5):
        assert "certificate required" in await refused(broker, tls)


async def test_one_of_another_installation_is_refused(broker: Broker, tmp_path: Path) -> None:
    foreign = authority_in(tmp_path / "foreign")
    strange = bundle_context((await foreign.issue(A)).pkcs12)
    assert "certificate verify failed" in await refused(broker, strange)
    # It trusts ours, and shows the other's certificate.
    pair = Pair(*foreign.factory_pair())
    tls = client_context(pair, broker.authority.certificate_pem)
    assert "unknown ca" in await refused(broker, tls)


async def test_an_expired_one_is_refused(tmp_path: Path) -> None:
    async with running_broker(tmp_path, [Admitted(A, "a" * 32)]) as broker:
        clock = ManualClock(ManualClock().now_us() - 11 * YEARS_US)
        old = authority_in(tmp_path / "keys", clock)
        assert old.certificate_pem == broker.authority.certificate_pem
        tls = bundle_context((await old.issue(A)).pkcs12)
        assert "expired" in await refused(broker, tls)


async def test_a_server_certificate_opens_nothing(broker: Broker) -> None:
    pair = broker.authority.broker_pair(["localhost"])
    tls = client_context(pair, broker.authority.certificate_pem)
    await refused(broker, tls)


async def test_nobody_gets_in_by_its_other_protocol(broker: Broker) -> None:
    """Its own: with the name of a user that has no password."""
    assert broker.bundled.settings.pid.exists()
    number = int(broker.bundled.settings.pid.read_text())
    ports = [port for port in _listening(number) if port != broker.endpoint.port]
    assert len(ports) == 1
    reader, writer = await asyncio.open_connection("127.0.0.1", ports[0])
    await reader.readline()
    writer.write(b'CONNECT {"user":"CN=oktograph-factory","pass":"","verbose":true}\r\nPING\r\n')
    assert b"Authorization Violation" in await reader.readline()
    writer.close()
    await writer.wait_closed()


async def test_without_tls_nobody_is_heard(broker: Broker) -> None:
    plain = endpoint_of(f"mqtt://127.0.0.1:{broker.endpoint.port}")
    with pytest.raises(PeerLost):
        async with Client(plain, "plain"):
            pass


async def test_new_gateways_are_admitted_and_nobody_is_cut_off(broker: Broker) -> None:
    async with broker.factory() as (client, heard), broker.gateway(A) as gateway:
        known = [Admitted(A, "a" * 32), Admitted("gateway-c", "c" * 32)]
        await broker.bundled.admit(known)
        async with broker.gateway("gateway-c") as fresh:
            await fresh.publish_acknowledged("insight/gateway/gateway-c", b"new", 5.0)
        await gateway.publish_acknowledged(TOPIC_A, b"still there", 5.0)
        await eventually(lambda: len(heard) == 2)
        for one in heard:
            client.acknowledge(one)
    assert broker.bundled.counters()["reloads"] == 1
    assert "authorized" in await refused(broker, await broker.tls(B))


async def test_one_that_is_gone_is_cut_off(broker: Broker) -> None:
    async with broker.gateway(B) as gateway:
        await broker.bundled.admit([Admitted(A, "a" * 32)])
        with pytest.raises(PeerLost):
            async with asyncio.timeout(5):
                await gateway.lost()


async def test_the_same_list_is_no_reload(broker: Broker) -> None:
    await broker.bundled.admit([Admitted(B, "b" * 32), Admitted(A, "a" * 32)])
    assert broker.bundled.counters()["reloads"] == 0


async def test_killed_it_comes_back_on_its_port_with_what_waited(broker: Broker) -> None:
    async with broker.factory():
        pass
    async with broker.gateway(A) as gateway:
        await gateway.publish_acknowledged(TOPIC_A, b"waits", 5.0)
    port, lost = broker.endpoint.port, broker.task.expect(LinkState.LOST)
    os.kill(int(broker.bundled.settings.pid.read_text()), signal.SIGKILL)
    await lost
    await broker.task.wait_for_state(LinkState.CONNECTED, 15)
    assert broker.endpoint.port == port
    async with broker.factory() as (_, heard):
        await eventually(lambda: [one.payload for one in heard] == [b"waits"])


async def test_what_is_not_acknowledged_comes_again_after_a_while(broker: Broker) -> None:
    async with broker.factory() as (_, heard), broker.gateway(A) as gateway:
        await gateway.publish_acknowledged(TOPIC_A, b"held", 5.0)
        await eventually(lambda: len(heard) == 1)
    async with broker.factory() as (client, heard):
        await eventually(lambda: len(heard) == 1, ACK_WAIT_S + 5)
        client.acknowledge(heard[0])
        await unchanging(lambda: len(heard), ACK_WAIT_S + 1)


async def test_one_that_an_earlier_run_left_behind_is_ended(tmp_path: Path) -> None:
    async with running_broker(tmp_path) as left:
        number = int(left.bundled.settings.pid.read_text())
        settings = BrokerSettings(folder=tmp_path / "mqtt", port=left.endpoint.port)
        # A factory that was killed: its broker is nobody's child any more.
        second = SupervisedTask("second", BundledBroker(settings, left.authority))
        gone = left.task.expect(LinkState.LOST)
        second.start()
        await gone
        await left.task.stop()
        try:
            await second.wait_for_state(LinkState.CONNECTED, 20)
            assert int(settings.pid.read_text()) != number
        finally:
            await second.stop()


async def test_a_port_that_is_taken_is_tried_again(tmp_path: Path) -> None:
    async with running_broker(tmp_path / "one") as first:
        settings = BrokerSettings(folder=tmp_path / "two" / "mqtt", port=first.endpoint.port)
        second = SupervisedTask("two", BundledBroker(settings, authority_in(tmp_path / "keys")))
        lost = second.expect(LinkState.LOST, LinkState.CONNECTED)
        second.start()
        try:
            change = await lost
            assert change.state is LinkState.LOST
            assert "address already in use" in (change.reason or "")
            await first.task.stop()
            await second.wait_for_state(LinkState.CONNECTED, 20)
        finally:
            await second.stop()


async def test_nothing_that_it_keeps_is_open_to_others(broker: Broker) -> None:
    folder = broker.bundled.settings.folder
    assert folder.stat().st_mode & 0o077 == 0
    assert broker.bundled.settings.key.stat().st_mode & 0o077 == 0


def _listening(process: int) -> set[int]:
    """The TCP ports of a process, as the kernel has them."""
    links = (str(one.readlink()) for one in Path(f"/proc/{process}/fd").iterdir())
    sockets = {link[8:-1] for link in links if link.startswith("socket:[")}
    found = set()
    for table in ("tcp", "tcp6"):
        for line in Path(f"/proc/{process}/net/{table}").read_text().splitlines()[1:]:
            parts = line.split()
            if parts[3] == "0A" and parts[9] in sockets:
                found.add(int(parts[1].rsplit(":", 1)[1], 16))
    return found

"""A cloud that is away, slow, broken or not a cloud: always one domain error, never another."""

import asyncio
import gzip
import logging
from collections.abc import Awaitable

import pytest

from domain.kernel.errors import (
    DomainError,
    NotFound,
    TimedOut,
    Unauthorized,
    Unavailable,
    UpstreamFailed,
    ValidationFailed,
)
from domain.sync.ports import SyncBatch
from drivers.cloud.client import HttpCloud
from drivers.cloud.simulator import CloudState, RunningCloud, running_cloud
from drivers.cloud.simulator.faults import DropPoint
from drivers.upstream.calls import RetryPolicy
from tests.support.cloud import EMAIL, FAST, LINE_1, PASSWORD, activated, bottle, raw_peer
from tests.support.processes import free_port

HTML = b"<!doctype html><html><body>Sign in to the guest network</body></html>"


def _paths(cloud: RunningCloud, path: str) -> int:
    return [call.path for call in cloud.state.calls].count(path)


def _every_call(client: HttpCloud, token: str) -> list[Awaitable[object]]:
    return [
        client.sign_in(EMAIL, PASSWORD),
        client.devices(token),
        client.activate(token, "device-001", LINE_1),
        client.deactivate(token, "device-001"),
        client.lines(token),
        client.codes(token, 5),
        client.company(token),
        client.push(token, SyncBatch.of(bottles=[bottle(1)])),
    ]


async def test_nobody_there() -> None:
    async with HttpCloud(f"http://127.0.0.1:{free_port()}", retry=FAST) as client:
        for attempt in _every_call(client, "token"):
            with pytest.raises(Unavailable):
                await attempt


async def test_a_name_that_does_not_resolve() -> None:
    async with HttpCloud("http://cloud.invalid", retry=FAST) as client:
        with pytest.raises(Unavailable):
            await client.sign_in(EMAIL, PASSWORD)


async def test_gone_and_back_on_the_same_connection_pool() -> None:
    state = CloudState()
    async with running_cloud(free_port(), state) as cloud:
        client = HttpCloud(cloud.url, retry=FAST)
        token = await activated(client)
    async with client:
        with pytest.raises(Unavailable):
            await client.lines(token)
        async with running_cloud(cloud.port, state):
            assert await client.lines(token)


@pytest.mark.parametrize("when", list(DropPoint))
async def test_a_reset_that_does_not_end(
    client: HttpCloud, cloud: RunningCloud, device_token: str, when: DropPoint
) -> None:
    cloud.state.faults.drop_connection(3, when=when)
    with pytest.raises(UpstreamFailed):
        await client.lines(device_token)
    assert _paths(cloud, "/lines") == 3
    assert await client.lines(device_token)


async def test_reads_are_repeated(
    client: HttpCloud, cloud: RunningCloud, device_token: str
) -> None:
    cloud.state.faults.fail_next(2, 503)
    assert await client.lines(device_token)
    assert _paths(cloud, "/lines") == 3


async def test_reads_are_not_repeated_for_ever(
    client: HttpCloud, cloud: RunningCloud, device_token: str
) -> None:
    cloud.state.faults.fail_next(10, 503)
    with pytest.raises(UpstreamFailed) as failed:
        await client.lines(device_token)
    assert failed.value.details["status"] == 503
    assert _paths(cloud, "/lines") == 3


async def test_what_changes_something_is_sent_once(
    client: HttpCloud, cloud: RunningCloud, device_token: str
) -> None:
    user_token = (await client.sign_in(EMAIL, PASSWORD)).user_token
    cloud.state.calls.clear()
    for attempt in (
        client.sign_in(EMAIL, PASSWORD),
        client.activate(user_token, "device-001", LINE_1),
        client.deactivate(device_token, "device-001"),
    ):
        cloud.state.faults.fail_next(1, 503)
        with pytest.raises(UpstreamFailed):
            await attempt
    assert len(cloud.state.calls) == 3
    assert await client.lines(device_token)


async def test_a_lost_answer_burns_no_codes(
    client: HttpCloud, cloud: RunningCloud, device_token: str
) -> None:
    cloud.state.faults.drop_connection(2, when=DropPoint.AFTER)
    issued = await client.codes(device_token, 7)
    assert (len(issued.codes), issued.remaining) == (7, 9_993)
    assert cloud.state.codes_left == {"product-001": 9_993}


async def test_the_pause_that_the_cloud_asks_for(
    client: HttpCloud, cloud: RunningCloud, device_token: str
) -> None:
    cloud.state.faults.fail_next(1, 429, retry_after_s=0)
    assert await client.lines(device_token)
    cloud.state.faults.fail_next(1, 429, retry_after_s=3600)
    with pytest.raises(UpstreamFailed) as failed:
        await client.lines(device_token)
    assert failed.value.details["status"] == 429
    assert _paths(cloud, "/lines") == 3


async def test_slower_than_the_deadline(cloud: RunningCloud, device_token: str) -> None:
    async with HttpCloud(cloud.url, timeout_s=0.2, retry=FAST) as hasty:
        cloud.state.faults.delay_s = 60
        for attempt in _every_call(hasty, device_token):
            with pytest.raises(TimedOut):
                await attempt
    assert set(cloud.state.activations) == {"device-001"}
    assert not cloud.state.bottles


async def test_the_deadline_covers_repetitions(cloud: RunningCloud, device_token: str) -> None:
    endless = RetryPolicy(attempts=1_000_000, base_s=0.001, cap_s=0.001)
    async with HttpCloud(cloud.url, timeout_s=0.3, retry=endless) as hasty:
        cloud.state.faults.fail_next(100_000, 503)
        with pytest.raises((UpstreamFailed, TimedOut)):
            await hasty.lines(device_token)


@pytest.mark.parametrize("status", [200, 201, 302, 400, 401, 403, 404, 418, 429, 500, 502, 503])
@pytest.mark.parametrize("body", [HTML, b"", b"\xff\x00\xfe", b"[]", b"null", b"[" * 100_000])
async def test_an_answer_that_no_cloud_gives(
    client: HttpCloud, cloud: RunningCloud, device_token: str, status: int, body: bytes
) -> None:
    for attempt in _every_call(client, device_token):
        cloud.state.faults.clear()
        cloud.state.faults.fail_next(3, status, body=body, content_type="text/html")
        with pytest.raises(UpstreamFailed) as failed:
            await attempt
        assert failed.value.details["upstream"] == "cloud"
    assert not cloud.state.bottles


@pytest.mark.parametrize(
    "data", [b"null", b"[{}]", b"{}", b'[{"id":5}]', b'"text"', b'{"userToken":"t"}']
)
async def test_data_of_another_shape(
    client: HttpCloud, cloud: RunningCloud, device_token: str, data: bytes
) -> None:
    for attempt in (
        client.sign_in(EMAIL, PASSWORD),
        client.devices(device_token),
        client.lines(device_token),
        client.codes(device_token, 5),
        client.company(device_token),
    ):
        cloud.state.faults.fail_next(1, 200, body=b'{"success":true,"data":' + data + b"}")
        with pytest.raises(UpstreamFailed):
            await attempt


async def test_a_404_of_a_route_is_not_a_missing_device() -> None:
    async with (
        running_cloud(0) as cloud,
        HttpCloud(f"{cloud.url}/somewhere/else", retry=FAST) as client,
    ):
        with pytest.raises(UpstreamFailed) as failed:
            await client.sign_in(EMAIL, PASSWORD)
        assert failed.value.details["status"] == 404
        with pytest.raises(NotFound):
            await client.activate("token", "device-001", LINE_1)


async def test_an_oversize_answer(cloud: RunningCloud) -> None:
    async with HttpCloud(cloud.url, retry=FAST, max_answer_bytes=100_000) as client:
        token = await activated(client)
        cloud.state.faults.fail_next(1, 200, body=b"x" * 5_000_000)
        with pytest.raises(UpstreamFailed, match="too large"):
            await client.lines(token)
        assert await client.lines(token)


async def test_connections_are_used_again(
    client: HttpCloud, cloud: RunningCloud, device_token: str
) -> None:
    for _ in range(5):
        await client.lines(device_token)
    with pytest.raises(Unauthorized):
        await client.lines("forged")
    assert len({call.peer_port for call in cloud.state.calls}) == 1


async def _noise(_reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    writer.write(bytes(range(256)) * 40)
    await writer.drain()


async def _hang_up(reader: asyncio.StreamReader, _writer: asyncio.StreamWriter) -> None:
    await reader.readuntil(b"\r\n\r\n")


async def _cut(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    await reader.readuntil(b"\r\n\r\n")
    writer.write(b'HTTP/1.1 200 OK\r\nContent-Length: 500\r\n\r\n{"success":')
    await writer.drain()


async def _endless_header(_reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    writer.write(b"HTTP/1.1 200 OK\r\nX-A: ")
    for _ in range(50):
        writer.write(b"a" * 65536)
        await writer.drain()


async def _bomb(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    await reader.readuntil(b"\r\n\r\n")
    body = gzip.compress(b" " * 50_000_000)
    head = f"HTTP/1.1 200 OK\r\nContent-Encoding: gzip\r\nContent-Length: {len(body)}\r\n\r\n"
    writer.write(head.encode() + body)
    await writer.drain()


@pytest.mark.parametrize("speak", [_noise, _hang_up, _cut, _endless_header, _bomb])
async def test_a_peer_that_is_no_web_server(speak: object) -> None:
    async with raw_peer(speak) as url, HttpCloud(url, retry=FAST) as client:  # type: ignore[arg-type]
        for attempt in _every_call(client, "token"):
            with pytest.raises(UpstreamFailed):
                await attempt


async def test_a_peer_that_trickles_is_cut_at_the_deadline() -> None:
    async def trickle(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.readuntil(b"\r\n\r\n")
        writer.write(b"HTTP/1.1 200 OK\r\nContent-Length: 100000\r\n\r\n")
        gone = asyncio.create_task(reader.read())
        while not (await asyncio.wait({gone}, timeout=0.01))[0]:
            writer.write(b" ")

    async with raw_peer(trickle) as url, HttpCloud(url, timeout_s=0.3, retry=FAST) as client:
        with pytest.raises(TimedOut):
            await client.lines("token")


async def test_a_redirect_takes_no_token_elsewhere(cloud: RunningCloud) -> None:
    async def redirect(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.readuntil(b"\r\n\r\n")
        place = f"HTTP/1.1 307 X\r\nLocation: {cloud.url}/lines\r\nContent-Length: 0\r\n\r\n"
        writer.write(place.encode())

    async with raw_peer(redirect) as url, HttpCloud(url, retry=FAST) as client:
        with pytest.raises(UpstreamFailed):
            await client.lines("token")
    assert not cloud.state.calls


@pytest.mark.parametrize(
    "url",
    ["", "cloud", "ftp://cloud", "http://", "http://u:p@cloud", "http://c:99999", "http://c?x=1"],
)
def test_a_base_url_that_cannot_be_called(url: str) -> None:
    with pytest.raises(ValidationFailed):
        HttpCloud(url)


async def test_secrets_stay_out_of_logs_and_errors(
    client: HttpCloud, cloud: RunningCloud, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.DEBUG)
    session = await client.sign_in(EMAIL, PASSWORD)
    activation = await client.activate(session.user_token, "device-001", LINE_1)
    secrets = (PASSWORD, session.user_token, activation.device_token)
    cloud.state.faults.fail_next(3, 503)
    shown = [repr(session), repr(activation), repr(cloud.state.activations)]
    with pytest.raises(DomainError) as failed:
        await client.push(activation.device_token, SyncBatch.of(bottles=[bottle(1)]))
    shown += [caplog.text, repr(failed.value), repr(failed.value.details)]
    assert "cloud call repeated" in caplog.text
    assert failed.value.__cause__ is None
    assert not [secret for secret in secrets for text in shown if secret in text]

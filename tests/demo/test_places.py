"""Demos that start in the same moment, on the ports that both would like to have."""

import asyncio
import errno
import socket
from contextlib import AsyncExitStack, closing
from pathlib import Path

import pytest

from oktograph.demo.line import Demo
from oktograph.demo.places import HOST, Reservation, started_at
from oktograph.settings import Settings
from tests.support.processes import free_port


def listening(port: int) -> socket.socket:
    """As a server does that was told its port."""
    return socket.create_server((HOST, port))


async def test_what_is_taken_when_it_is_bound_is_replaced() -> None:
    async def start(port: int) -> socket.socket:
        return listening(port)

    port = free_port()
    with (
        closing(await started_at(port, start)) as first,
        closing(await started_at(port, start)) as second,
    ):
        assert first.getsockname()[1] == port
        assert second.getsockname()[1] not in (0, port)


async def test_what_fails_for_another_reason_is_not_tried_elsewhere() -> None:
    tried = []

    async def start(port: int) -> None:
        tried.append(port)
        raise OSError(errno.EACCES, "not yours")

    with pytest.raises(PermissionError):
        await started_at(80, start)
    assert tried == [80]


def test_a_port_is_kept_for_who_is_told_it() -> None:
    port = free_port()
    with closing(Reservation(port)) as kept:
        assert kept.port == port
        with closing(Reservation(port)) as another:
            assert another.port not in (0, port)
            with closing(listening(another.port)), closing(listening(port)):
                pass
    with closing(Reservation(port)) as again:
        assert again.port == port


def test_a_port_on_which_somebody_listens_is_not_kept() -> None:
    with closing(listening(free_port())) as taken:
        port = taken.getsockname()[1]
        with closing(Reservation(port)) as kept:
            assert kept.port not in (0, port)


def test_a_kept_port_is_no_free_port_of_anybody() -> None:
    with (
        closing(Reservation(0)) as kept,
        socket.socket() as plain,
        pytest.raises(OSError, match="in use"),
    ):
        plain.bind((HOST, kept.port))


async def test_demos_that_start_together_share_nothing(tmp_path: Path) -> None:
    demos = [Demo(_settings(tmp_path / name)) for name in ("one", "other")]
    async with AsyncExitStack() as stack:
        await asyncio.gather(*map(stack.enter_async_context, demos))
        told = [demo.settings() for demo in demos]
        ports = {demo.console_port for demo in demos} | {one.mqtt_port for one in told}
        assert len(ports) == 4
        assert len({one.cloud_url for one in told}) == 2


async def test_an_edge_s_demo_leaves_the_broker_s_port_alone(tmp_path: Path) -> None:
    """The factory's, beside it on this machine, would not get its own."""
    async with Demo(_settings(tmp_path), has_factory=False) as demo:
        assert demo.mqtt_settings() == {}
        assert not demo.settings().mqtt_wanted


def _settings(folder: Path) -> Settings:
    return Settings(_env_file=None, demo=True, data_dir=folder, demo_rate=0)

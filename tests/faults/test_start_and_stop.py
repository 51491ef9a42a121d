"""A service that starts, refuses to start, and ends when told to."""

import asyncio
import re
import signal
import socket
import sqlite3
from contextlib import closing, suppress
from pathlib import Path

import pytest
from websockets.asyncio.client import ClientConnection, connect
from websockets.exceptions import ConnectionClosed

from tests.support.callers import Load, graphql_scan, milk_codes, recorded, token_of
from tests.support.followers import FOLLOWERS, EventFollower, first_cursor, graphql_socket
from tests.support.processes import (
    PORTS,
    START_S,
    EdgeProcess,
    free_port,
    own_ports,
    patiently,
    run_to_end,
)
from tests.support.raw_http import opened, request
from tests.support.stored import stored

STOP_S = 12.0


async def test_sigterm_under_load_answers_what_it_took_and_tells_everybody(tmp_path: Path) -> None:
    async with EdgeProcess(tmp_path) as edge:
        figure = f"start: {edge.started_after_s:.2f} s, of it at work {edge.cpu_s():.2f} s"
        print(figure)
        assert edge.cpu_s() < 6
        token = await token_of(edge)
        record = recorded(edge.port, token, milk_codes(4))
        cursor = await first_cursor(edge.port, token, record)
        rest = Load(edge.port, token, milk_codes(1), connections=16)
        graph = Load(edge.port, token, milk_codes(2), graphql_scan)
        followers = [kind(edge.port, token, cursor) for kind in FOLLOWERS]
        idle = connect(f"ws://{edge.address}/ws?token={token}", compression=None)
        silent = graphql_socket(edge.port, token)
        async with followers[0], followers[1], followers[2], idle as raw, silent as quiet:
            async with rest, graph:
                await patiently(lambda: len(rest.acknowledged) > 200)
                await patiently(lambda: all(f.codes for f in followers))
                code = await edge.stop(STOP_S)
                assert code == 0, edge.tail()
                await asyncio.gather(rest.stop(), graph.stop())
            await asyncio.gather(_read_out(raw), _read_out(quiet))
            assert raw.close_code == quiet.close_code == 1012
            assert "stopping" in (raw.close_reason or "")
            assert "stopping" in (quiet.close_reason or "")
        found = stored(edge.data_dir)
        found.holds_once([*rest.acknowledged, *graph.acknowledged])
        found.consistent()
        # What was asked and not answered is at most what came in after the listener closed.
        assert len(rest.unanswered) + len(graph.unanswered) <= rest.connections + graph.connections
        for follower in followers:
            # Told so that it comes back: no `complete`, no error.
            assert follower.codes == found.after(cursor)[: len(follower.codes)]
            assert not [end for end in follower.ends if "complete" in end or "error" in end]
        assert [end for end in followers[0].ends if end.startswith("1012 The service is stopping")]
        assert isinstance(followers[2], EventFollower)
        assert not (edge.data_dir / "edge.db-wal").exists()  # folded in: closed in good order
        assert edge.faults() == []


async def _read_out(socket: ClientConnection) -> None:
    with suppress(ConnectionClosed):
        async for _ in socket:
            continue


async def test_a_data_directory_has_one_owner(tmp_path: Path) -> None:
    async with EdgeProcess(tmp_path) as edge:
        own = ("--edge-port", "0", "--data-dir", str(edge.data_dir))
        second = await asyncio.to_thread(run_to_end, tmp_path, "serve", "--role", "edge", *own)
        assert second.returncode == 1
        assert f"is in use by another oktograph (process {edge.process.pid})" in second.stderr
        assert "Traceback" not in second.stderr
        await token_of(edge)  # the first one is as it was
        edge.kill()
        await edge.start()  # nothing stale is in the way
        # Ctrl-C, while somebody sends a request that never ends.
        async with opened(edge.port) as (reader, writer):
            writer.write(request("POST", "/api/v1/auth/login", None, b" " * 100)[:-50])
            await writer.drain()
            edge.send(signal.SIGINT)
            assert await edge.ended(STOP_S) == 0
            await reader.read()
        assert edge.faults() == []


async def test_a_taken_port_is_told(tmp_path: Path) -> None:
    with closing(socket.create_server(("127.0.0.1", 0))) as taken:
        port = str(taken.getsockname()[1])
        done = run_to_end(tmp_path, "serve", "--role", "edge", "--edge-port", port)
    assert done.returncode == 1
    assert f"cannot listen on 127.0.0.1:{port}" in done.stderr
    assert "Traceback" not in done.stderr


WRONG = {
    "edge_port": "70000",
    "edge_database_url": "nonsense",
    "broadcast_url": "carrier-pigeon://roof",
    "throttle_url": "nowhere",
    "scanners": '[{"index": 1, "name": "a", "host": "h", "port": 99999}]',
    "code_profiles": "[{",
    "industry": "unicorns",
    "log_level": "LOUD",
    "bootstrap_password": "short",
}


def test_wrong_settings_are_named(tmp_path: Path) -> None:
    done = run_to_end(tmp_path, "serve", "--role", "edge", **WRONG)
    assert done.returncode == 2, done.stderr
    for name in WRONG:
        assert f"OKTOGRAPH_{name.upper()}" in done.stderr
    assert "Traceback" not in done.stderr
    assert "short" not in done.stderr.replace("shorter", "")  # no secret on a terminal
    assert not (tmp_path / "data").exists()  # nothing was begun


async def test_the_first_password_is_shown_once(tmp_path: Path) -> None:
    """The other tests give it."""
    async with EdgeProcess(tmp_path, bootstrap_password="") as edge:
        shown = re.search(r"user admin, password\s+(\S+)", edge.tail())
        assert shown is not None, edge.tail()
        await token_of(edge, password=shown.group(1))
        edge.kill()
        edge.log.unlink()
        await edge.start()
        assert "password" not in edge.tail()
    with closing(sqlite3.connect(tmp_path / "data" / "edge.db")) as database:
        assert database.execute("SELECT count(*) FROM user_account").fetchone() == (1,)


async def test_a_demo_finds_room_beside_another(tmp_path: Path) -> None:
    """The cloud's usual port may be another demo's."""
    with closing(socket.socket()) as usual:
        usual.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        await patiently(lambda: _listens(usual, 8090), START_S)
        async with EdgeProcess(tmp_path, "--demo", "--demo-rate", "20") as edge:
            assert re.search(r"Port 8090 is taken: the cloud answers on \d+ instead", edge.tail())
            await token_of(edge, "operator", "operator123")
            await patiently(lambda: stored(edge.data_dir).scans.total() > 5)
            assert await edge.stop(STOP_S) == 0
            assert edge.faults() == []


def _listens(server: socket.socket, port: int) -> bool:
    """Not while the demo of another test has it: that one may end before ours begins."""
    with suppress(OSError):
        if server.getsockname()[1] != port:
            server.bind(("127.0.0.1", port))
        server.listen()
        return True
    return False


def test_a_free_port_is_free_and_given_once() -> None:
    ports = [free_port() for _ in range(200)]
    assert len({*ports}) == 200
    assert {*ports} <= {*own_ports()}
    with closing(socket.create_server(("127.0.0.1", ports[0]))):
        pass


def test_workers_draw_from_ports_of_their_own(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PYTEST_XDIST_WORKER_COUNT", "3")
    slices = []
    for worker in ("gw0", "gw1", "gw2"):
        monkeypatch.setenv("PYTEST_XDIST_WORKER", worker)
        slices.append({*own_ports()})
    assert {*map(len, slices)} == {len(PORTS) // 3}
    assert len(set.union(*slices)) == 3 * (len(PORTS) // 3)
    assert set.union(*slices) <= {*PORTS}


def test_a_port_that_somebody_has_is_passed_over() -> None:
    ports = own_ports()
    at = free_port() - ports[0]
    taken = ports[(at + 1) % len(ports)]
    with closing(socket.socket()) as other, suppress(OSError):  # somebody else has it: as good
        other.bind(("127.0.0.1", taken))
        assert free_port() != taken

"""What only a serial line has: its settings, its one owner, and a device that can be pulled out."""

import asyncio
import fcntl
import os
import struct
import termios
import threading
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest

from drivers import registry
from drivers.link import LinkState, StateChange
from drivers.scanners.device_simulator import SerialScannerSimulator
from drivers.scanners.simulation import DeviceSimulatorConfig
from drivers.supervised import SupervisedTask
from tests.support.scanners import (
    CONVENTIONS,
    GENERIC,
    HEARTBEAT,
    MILK,
    QUICK,
    Lane,
    Sink,
    device_config,
    device_simulator,
    milk,
    rig,
)
from tests.support.waiting import DEADLINE_S, eventually, unchanging

MATRIX = CONVENTIONS[3]


def scanner(path: Path, sink: Sink, **settings: Any) -> SupervisedTask:
    driver = registry.scanner(device_config(GENERIC, Lane.SERIAL, path, **settings), sink)
    return SupervisedTask("scanner-3", driver, backoff=QUICK)


@contextmanager
def near_end(path: Path) -> Iterator[int]:
    """The terminal once more, as any other program may open it."""
    fd = os.open(path, os.O_RDWR | os.O_NOCTTY | os.O_NONBLOCK)
    try:
        yield fd
    finally:
        os.close(fd)


def waiting_bytes(path: Path) -> int:
    with near_end(path) as fd:
        (count,) = struct.unpack("i", fcntl.ioctl(fd, termios.FIONREAD, b"\0" * 4))
    return int(count)


async def test_settings_reach_the_line() -> None:
    serial = {"baudrate": 57600, "stopbits": 2, "rtscts": True, "xonxoff": True}
    async with rig(GENERIC, Lane.SERIAL, serial=serial) as line:
        with near_end(line.path) as fd:
            iflag, oflag, cflag, lflag, ispeed, ospeed, _ = termios.tcgetattr(fd)
        assert (ispeed, ospeed) == (termios.B57600, termios.B57600)
        assert cflag & termios.CSTOPB
        assert cflag & termios.CRTSCTS
        assert iflag & (termios.IXON | termios.IXOFF)
        assert (oflag, lflag) == (0, 0), "raw: nothing is echoed, translated or held for a line"


async def test_a_rate_of_no_standard_is_set_as_well() -> None:
    async with rig(GENERIC, Lane.SERIAL, [MILK], serial={"baudrate": 123_456}) as line:
        await line.sink.has(MILK)


async def test_what_had_come_before_it_was_pulled_out_is_read() -> None:
    sink = Sink()
    sink.gate.clear()
    async with rig(GENERIC, Lane.SERIAL, milk(200), sink=sink, max_in_flight=1) as line:
        await line.simulator.sent(200)
        await sink.count(1)
        await unchanging(lambda: waiting_bytes(line.path))
        assert (waiting_bytes(line.path), len(sink.readings)) == (0, 1)
        await line.device.unplug()
        sink.gate.set()
        await line.state(LinkState.LOST)
        assert sink.texts == milk(200)


async def test_another_program_on_the_line_is_named_and_waited_for(tmp_path: Path) -> None:
    path = tmp_path / "tty"
    _, simulator = device_simulator(GENERIC, Lane.SERIAL, path)
    async with simulator:
        task = scanner(path, sink := Sink())
        with near_end(path) as fd:
            fcntl.flock(fd, fcntl.LOCK_EX)
            task.start()
            await task.wait_for_state(LinkState.LOST, DEADLINE_S)
            assert task.snapshot().last_error == f"{path}: in use by another program"
            assert sink.readings == []
        await task.wait_for_state(LinkState.CONNECTED, DEADLINE_S)
        await simulator.emit(MILK)
        await sink.has(MILK)
        await task.stop()


async def test_the_line_is_free_once_the_scanner_has_stopped() -> None:
    """However long the closing takes, which happens in a thread."""
    closable = threading.Event()
    with ThreadPoolExecutor(1) as threads:
        asyncio.get_running_loop().set_default_executor(threads)
        async with rig(GENERIC, Lane.SERIAL) as line:
            held = threads.submit(closable.wait, DEADLINE_S)
            stopping = asyncio.create_task(line.task.stop())
            await asyncio.wait({stopping}, timeout=0.05)
            assert not stopping.done()
            closable.set()
            await asyncio.wait_for(stopping, DEADLINE_S)
            assert held.done()
            with near_end(line.path) as fd:
                fcntl.flock(fd, fcntl.LOCK_EX | fcntl.LOCK_NB)


async def test_two_drivers_on_two_names_of_one_line(tmp_path: Path) -> None:
    """What a configuration cannot know, the lock does."""
    path, other = tmp_path / "tty", tmp_path / "by-id"
    other.symlink_to(path)
    _, simulator = device_simulator(GENERIC, Lane.SERIAL, path, [MILK])
    async with simulator:
        first, second = scanner(path, sink := Sink()), scanner(other, Sink())
        first.start()
        await sink.has(MILK)
        second.start()
        await second.wait_for_state(LinkState.LOST, DEADLINE_S)
        assert "in use" in str(second.snapshot().last_error)
        assert first.snapshot().state is LinkState.CONNECTED
        await first.stop()
        await second.wait_for_state(LinkState.CONNECTED, DEADLINE_S)
        await second.stop()


@pytest.mark.parametrize("what", ["file", "folder"])
async def test_a_path_that_is_no_serial_port_is_not_tried_again(tmp_path: Path, what: str) -> None:
    path = tmp_path / "thing"
    if what == "file":
        path.write_bytes(b"precious")
    else:
        path.mkdir()
    task = scanner(path, Sink())
    task.start()
    await task.wait_for_state(LinkState.FAULTED, DEADLINE_S)
    assert str(path) in str(task.snapshot().last_error)
    assert task.snapshot().attempts == 1
    assert what == "folder" or path.read_bytes() == b"precious"
    await task.stop()


async def test_an_adapter_without_its_scanner_is_not_connected(tmp_path: Path) -> None:
    """The port opens whether or not anything is at the other end of the cable."""
    path = tmp_path / "tty"
    config = DeviceSimulatorConfig(path=str(path), model="DATALOGIC_MATRIX", heartbeat=False)
    silent = {"heartbeat": {**HEARTBEAT, "silence_s": 0.03}}
    sink = Sink()
    driver = registry.scanner(device_config(MATRIX, Lane.SERIAL, path, framing=silent), sink)
    states: list[LinkState] = []

    async def record(change: StateChange) -> None:
        states.append(change.state)

    task = SupervisedTask("scanner-3", driver, backoff=QUICK, on_transition=record)
    async with SerialScannerSimulator(config) as simulator:
        task.start()
        await task.wait_for_state(LinkState.LOST, DEADLINE_S)
        await eventually(lambda: task.snapshot().attempts > 3)
        assert states == [LinkState.CONNECTING, LinkState.LOST], "it does not come and go"
        assert "heartbeat" in str(task.snapshot().last_error)
        back = task.expect(LinkState.CONNECTED)
        while not back.done():
            await simulator.emit(MILK)
            await simulator.peers(1)
        await sink.has(MILK)
        await task.stop()


async def test_a_simulator_takes_no_device_s_place(tmp_path: Path) -> None:
    path = tmp_path / "tty"
    path.write_bytes(b"precious")
    _, simulator = device_simulator(GENERIC, Lane.SERIAL, path)
    with pytest.raises(FileExistsError):
        await simulator.start()
    await simulator.close()
    assert path.read_bytes() == b"precious"

"""What only a HID device has. A pipe stands in for it: this proves the reading, not the device."""

import fcntl
import os
import struct
import termios
from pathlib import Path
from typing import Any

import pytest

from drivers import registry
from drivers.link import LinkState
from drivers.scanners.hid import EVIOCGRAB
from drivers.scanners.hid_device import EndKey
from drivers.scanners.hid_typing import typed
from drivers.supervised import SupervisedTask
from tests.support.scanners import (
    GENERIC,
    HID_LANES,
    MILK,
    QUICK,
    Lane,
    Sink,
    device_config,
    device_simulator,
    milk,
    rig,
)
from tests.support.waiting import DEADLINE_S, eventually

every_hid = pytest.mark.parametrize("lane", HID_LANES)


def scanner(lane: Lane, path: Path, sink: Sink, **hid: Any) -> SupervisedTask:
    config = device_config(GENERIC, lane, path)
    assert config.usb_hid is not None
    config = config.model_copy(update={"usb_hid": config.usb_hid.model_copy(update=hid)})
    return SupervisedTask("scanner-3", registry.scanner(config, sink), backoff=QUICK)


def waiting_bytes(fd: int) -> int:
    (count,) = struct.unpack("i", fcntl.ioctl(fd, termios.FIONREAD, b"\0" * 4))
    return int(count)


async def test_separators_and_symbology_arrive_as_from_any_scanner() -> None:
    stripped = {"aim_prefix": "STRIP"}
    async with rig(GENERIC, Lane.HID_POS, simulated={"aim": "]d2"}, framing=stripped) as line:
        await line.simulator.emit(MILK)
        await line.sink.has(MILK)
        assert line.sink.readings[0].aim_id == "]d2"
        assert line.sink.readings[0].raw == b"]d2" + MILK.encode()


async def test_a_code_in_several_reports() -> None:
    async with rig(GENERIC, Lane.HID_POS) as line:
        await line.simulator.emit(MILK * 20)
        await line.sink.has(MILK * 20)


async def test_a_code_that_claims_to_go_on_is_not_held_for_the_next() -> None:
    filling = b"\x02\x38\0\0\0" + b"x" * 56 + b"\0\0\x01"
    async with rig(GENERIC, Lane.HID_POS) as line:
        await line.simulator.send_raw(filling)
        await line.sink.has("x" * 56)


@pytest.mark.parametrize("end", EndKey)
async def test_either_key_ends_a_code(end: EndKey) -> None:
    async with rig(GENERIC, Lane.HID_KEYBOARD, simulated={"end": end}) as line:
        await line.simulator.emit(MILK)
        await line.sink.has(MILK)


async def test_events_cut_anywhere() -> None:
    """No kernel cuts them; should one, nothing goes wrong."""
    async with rig(GENERIC, Lane.HID_KEYBOARD) as line:
        stream = typed(MILK, EndKey.ENTER)
        for at in range(0, len(stream), 7):
            await line.simulator.send_raw(stream[at : at + 7])
        await line.sink.has(MILK)


@every_hid
async def test_the_device_is_emptied_while_handling_is_slow(lane: Lane) -> None:
    """The kernel keeps ten characters of a keyboard; and what came before the end is read."""
    sink = Sink()
    sink.gate.clear()
    async with rig(GENERIC, lane, milk(100), sink=sink, max_in_flight=1) as line:
        await line.simulator.finished()
        await sink.count(1)
        fd = os.open(line.path, os.O_RDONLY | os.O_NONBLOCK)
        await eventually(lambda: waiting_bytes(fd) == 0)
        os.close(fd)
        assert len(sink.readings) == 1
        await line.device.unplug()
        sink.gate.set()
        await line.state(LinkState.LOST)
        assert sink.texts == milk(100)


@every_hid
async def test_another_program_with_the_device_is_named_and_waited_for(
    lane: Lane, tmp_path: Path
) -> None:
    path = tmp_path / "hid"
    _, simulator = device_simulator(GENERIC, lane, path)
    async with simulator:
        task = scanner(lane, path, sink := Sink())
        fd = os.open(path, os.O_RDONLY | os.O_NONBLOCK)
        fcntl.flock(fd, fcntl.LOCK_EX)
        task.start()
        await task.wait_for_state(LinkState.LOST, DEADLINE_S)
        assert task.snapshot().last_error == f"{path}: in use by another program"
        os.close(fd)
        await task.wait_for_state(LinkState.CONNECTED, DEADLINE_S)
        await simulator.emit(MILK)
        await sink.has(MILK)
        await task.stop()


@every_hid
@pytest.mark.parametrize("what", ["file", "folder"])
async def test_a_path_that_is_no_device_is_not_tried_again(
    lane: Lane, what: str, tmp_path: Path
) -> None:
    path = tmp_path / "thing"
    if what == "file":
        path.write_bytes(b"\x02\x04\0\0\0LEAK")
    else:
        path.mkdir()
    task = scanner(lane, path, sink := Sink())
    task.start()
    await task.wait_for_state(LinkState.FAULTED, DEADLINE_S)
    assert task.snapshot().last_error == f"{path}: no input device"
    assert (task.snapshot().attempts, sink.readings) == (1, [])
    await task.stop()


async def test_only_an_input_device_can_be_grabbed(tmp_path: Path) -> None:
    """The kernel's own answer to the request, from what is no keyboard."""
    path = tmp_path / "hid"
    _, simulator = device_simulator(GENERIC, Lane.HID_KEYBOARD, path)
    async with simulator:
        task = scanner(Lane.HID_KEYBOARD, path, Sink(), grab=True)
        task.start()
        await task.wait_for_state(LinkState.FAULTED, DEADLINE_S)
        assert task.snapshot().last_error == f"{path}: no input device"
        await task.stop()


def test_the_request_to_grab_is_the_kernel_s() -> None:
    direction, size, group, number = 1, 4, ord("E"), 0x90
    assert direction << 30 | size << 16 | group << 8 | number == EVIOCGRAB

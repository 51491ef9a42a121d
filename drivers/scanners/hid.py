"""Scanners on USB as keyboards and as HID POS devices: Linux's device files, read directly."""

import asyncio
import errno
import fcntl
import os
import stat
from collections import deque
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Final

from domain.kernel.clock import Clock, SystemClock
from drivers.link import ConfigurationFault, Link, PeerLost
from drivers.scanners.hid_device import HidDevice, HidProtocol
from drivers.scanners.hid_keys import EVENT, KeyFramer
from drivers.scanners.hid_layout import COMMON, Layouts, layouts_of
from drivers.scanners.hid_reports import ReportFramer
from drivers.scanners.port import OnReading, ScannerConfig, ScannerPort
from drivers.scanners.stream import CodeStream, FrameSource
from drivers.threads import completed

# _IOW('E', 0x90, int), as x86, ARM and RISC-V number it.
EVIOCGRAB: Final = 0x40044590
KEYBOARD_BYTES: Final = 170 * EVENT.size
HELD_BYTES: Final = 1 << 20

_REASONS: Final = {
    errno.ENOENT: "no such device",
    errno.ENXIO: "no such device",
    errno.ENODEV: "unplugged",
    errno.EIO: "unplugged",
    errno.EBUSY: "in use by another program",
    errno.EWOULDBLOCK: "in use by another program",
}


def hid_scanner(
    config: ScannerConfig, on_reading: OnReading, clock: Clock | None = None
) -> ScannerPort:
    """Touches no device yet."""
    return HidScanner(config, on_reading, clock or SystemClock())


class HidScanner:
    def __init__(self, config: ScannerConfig, on_reading: OnReading, clock: Clock) -> None:
        self.config = config
        self._stream = CodeStream(config, on_reading, clock)

    async def run(self, link: Link) -> None:
        device = self._device()
        async with _opened(device.device) as fd:
            size, framer = await self._prepared(device, fd)
            with DeviceFile(device.device, fd, size) as source:
                await self._stream.read_on(source, framer, link, device.device)

    async def aclose(self) -> None:
        """Nothing outlives an attempt."""

    def counters(self) -> Mapping[str, int]:
        return self._stream.counters.by_name()

    def _device(self) -> HidDevice:
        if self.config.usb_hid is None:
            raise ConfigurationFault("usb_hid: needed for USB_HID")
        return self.config.usb_hid

    async def _prepared(self, device: HidDevice, fd: int) -> tuple[int, FrameSource]:
        """How much to read at a time, and what makes codes of it."""
        if device.protocol is HidProtocol.KEYBOARD:
            if device.grab:
                _grab(device.device, fd)
            return KEYBOARD_BYTES, KeyFramer(self.config.framing, device.ends)
        layouts = await completed(_layouts, device.device)
        size = max(layout.size for layout in layouts.values())
        return size, ReportFramer(self.config.framing, layouts)


class DeviceFile:
    """A ByteSource that reads `size` bytes at a time: the kernel hands over whole events, or one
    report, which come out as they came in.

    It takes what there is at once and holds it, up to HELD_BYTES: the kernel itself keeps no more
    than 64 events, some ten characters, or 64 reports, and then drops. What was held when the
    device went is still read.
    """

    def __init__(self, device: str, fd: int, size: int) -> None:
        self._device = device
        self._fd = fd
        self._size = size
        self._held: deque[bytes] = deque()
        self._held_bytes = 0
        self._taking = False
        self._come = asyncio.Event()
        self._end: PeerLost | None = None
        self._loop = asyncio.get_running_loop()

    def __enter__(self) -> "DeviceFile":
        self._take_on()
        return self

    def __exit__(self, *_: object) -> None:
        self._pause()

    async def read(self, _: int, /) -> bytes:
        while not self._held:
            if self._end is not None:
                raise self._end
            self._come.clear()
            await self._come.wait()
        data = self._held.popleft()
        self._held_bytes -= len(data)
        if not self._taking and self._end is None and self._held_bytes < HELD_BYTES // 2:
            self._take_on()
        return data

    def _take(self) -> None:
        try:
            data = os.read(self._fd, self._size)
        except BlockingIOError:
            return
        except OSError as error:
            self._finish(_lost(self._device, error))
            return
        if not data:
            self._finish(PeerLost(f"{self._device}: unplugged"))
            return
        self._held.append(data)
        self._held_bytes += len(data)
        self._come.set()
        if self._held_bytes >= HELD_BYTES:
            self._pause()

    def _finish(self, end: PeerLost) -> None:
        self._end = end
        self._come.set()
        self._pause()

    def _take_on(self) -> None:
        self._loop.add_reader(self._fd, self._take)
        self._taking = True

    def _pause(self) -> None:
        if self._taking:
            self._loop.remove_reader(self._fd)
        self._taking = False


@asynccontextmanager
async def _opened(device: str) -> AsyncIterator[int]:
    """Raises PeerLost while it is missing or taken, ConfigurationFault where it is no device."""
    # Opened here, not in a thread: neither kind of device waits for anything, and a descriptor
    # that a cancelled thread opened would have no owner.
    try:
        fd = os.open(device, os.O_RDONLY | os.O_NONBLOCK | os.O_NOCTTY | os.O_CLOEXEC)
    except OSError as error:
        raise _lost(device, error) from error
    try:
        _claim(device, fd)
        yield fd
    finally:
        os.close(fd)


def _claim(device: str, fd: int) -> None:
    mode = os.fstat(fd).st_mode
    if not stat.S_ISCHR(mode) and not stat.S_ISFIFO(mode):
        raise ConfigurationFault(f"{device}: no input device")
    try:
        fcntl.flock(fd, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except OSError as error:
        raise _lost(device, error) from error


def _grab(device: str, fd: int) -> None:
    try:
        fcntl.ioctl(fd, EVIOCGRAB, 1)
    except OSError as error:
        if error.errno in (errno.ENOTTY, errno.EINVAL):
            raise ConfigurationFault(f"{device}: no input device") from error
        raise _lost(device, error) from error


def _layouts(device: str) -> Layouts:
    """What the kernel keeps of the device's descriptor; the common layout where it keeps none."""
    name = Path(device).resolve().name
    try:
        return layouts_of(Path(f"/sys/class/hidraw/{name}/device/report_descriptor").read_bytes())
    except FileNotFoundError:
        return COMMON
    except ValueError as wrong:
        raise ConfigurationFault(f"{device}: {wrong}") from wrong


def _lost(device: str, error: OSError) -> PeerLost:
    return PeerLost(f"{device}: {_REASONS.get(error.errno or 0) or error.strerror}")

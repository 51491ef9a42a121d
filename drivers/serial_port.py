"""A serial port: its settings, shared by all that speak on one, and its opening as streams."""

import asyncio
import errno
import posixpath
from asyncio import StreamReader, StreamReaderProtocol, StreamWriter
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress
from typing import TYPE_CHECKING, Annotated, Final, Literal

from pydantic import AfterValidator, Field

from drivers.configuration import DeviceModel
from drivers.link import ConfigurationFault, PeerLost

if TYPE_CHECKING:
    from serialx import BaseSerialTransport

# No attempt helps against these: not a terminal, a folder, a setting that the port refuses.
_MISCONFIGURED: Final = frozenset({errno.ENOTTY, errno.EISDIR, errno.EINVAL})
_REASONS: Final = {
    errno.ENOENT: "no such device",
    errno.ENOTTY: "no serial port",
    errno.EIO: "the device is gone or does not answer",
    errno.EBUSY: "in use by another program",
}

# The kernel may hold a close up until the port has sent what it holds, which a device that
# withholds its clear-to-send can prevent for half a minute.
CLOSE_DEADLINE_S: Final = 2.0


def device_path(device: str) -> str:
    """The one spelling of an absolute path."""
    if not device.startswith("/") or "\0" in device:
        raise ValueError("an absolute path such as /dev/ttyUSB0")
    # POSIX keeps two leading slashes apart; Linux does not.
    return "/" + posixpath.normpath(device).lstrip("/")


class SerialPort(DeviceModel):
    """Names under /dev/serial/by-id stay the same whichever socket the adapter is put into.

    `parity`: none, even, odd, mark, space. `rtscts` is flow control by wires, `xonxoff` by bytes
    (0x11, 0x13), which then cannot be part of a code.
    """

    device: Annotated[str, Field(min_length=1, max_length=255), AfterValidator(device_path)]
    baudrate: int = Field(default=9600, ge=50, le=4_000_000)
    bytesize: Literal[7, 8] = 8
    parity: Literal["N", "E", "O", "M", "S"] = "N"
    stopbits: Literal[1, 2] = 1
    rtscts: bool = False
    xonxoff: bool = False


@asynccontextmanager
async def opened(
    port: SerialPort, *, limit: int = 65536
) -> AsyncIterator[tuple[StreamReader, StreamWriter]]:
    """The port, locked against other programs that lock; closed when left, and only then free.

    What had been received before the device went is still read; then comes the end. Raises
    PeerLost while the device is missing or taken, ConfigurationFault where it is no serial port
    or refuses a setting.
    """
    reader = StreamReader(limit=limit)
    protocol = _UntilUnplugged(reader)
    transport = await _connected(port, protocol)
    try:
        yield reader, StreamWriter(transport, protocol, reader, asyncio.get_running_loop())
    finally:
        transport.abort()
        with suppress(TimeoutError):
            async with asyncio.timeout(CLOSE_DEADLINE_S):
                await transport.wait_closed()


class _UntilUnplugged(StreamReaderProtocol):
    def connection_lost(self, exc: Exception | None) -> None:
        """An error would make the reader drop what it holds."""
        super().connection_lost(None)


async def _connected(port: SerialPort, protocol: StreamReaderProtocol) -> "BaseSerialTransport":
    # Imported where a serial device is configured: it brings termios and its backends with it.
    from serialx import Parity, StopBits, UnsupportedSetting, create_serial_connection

    try:
        transport, _ = await create_serial_connection(
            asyncio.get_running_loop(),
            lambda: protocol,
            port.device,
            port.baudrate,
            parity=Parity(port.parity),
            stopbits=StopBits(port.stopbits),
            xonxoff=port.xonxoff,
            rtscts=port.rtscts,
            byte_size=port.bytesize,
        )
    except UnsupportedSetting as refused:
        raise ConfigurationFault(f"{port.device}: {refused}") from refused
    except OSError as error:
        raise _refusal(port, error) from error
    return transport


def _refusal(port: SerialPort, error: OSError) -> Exception:
    reason = _REASONS.get(error.errno or 0) or error.strerror or str(error)
    failed = ConfigurationFault if error.errno in _MISCONFIGURED else PeerLost
    return failed(f"{port.device}: {reason}")

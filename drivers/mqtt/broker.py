"""The bundled broker: a real NATS server with its MQTT side, as a supervised process.

For tests, the demo and small installations. Its messages and sessions are on disk in its folder;
who may connect is rewritten and reloaded, without cutting anybody off, as gateways come and go.
"""

import asyncio
import os
import re
import select
import shutil
import signal
import sysconfig
from collections.abc import Iterable, Mapping
from contextlib import suppress
from pathlib import Path
from typing import Final

import structlog

from drivers.certificates.authority import InstallationAuthority
from drivers.durable import replace_file
from drivers.link import ConfigurationFault, Link, PeerLost
from drivers.mqtt.configuration import Admitted, BrokerSettings, document
from drivers.mqtt.log_lines import log_lines
from drivers.processes import leashed
from drivers.threads import completed

log: structlog.stdlib.BoundLogger = structlog.get_logger(__name__)

PROGRAM: Final = "nats-server"
START_S: Final = 15.0
RELOAD_S: Final = 10.0
GRACE_S: Final = 5.0
LAST_WORDS: Final = 5
QUIET_S: Final = 1.0
LINE_BYTES: Final = 1 << 20
"""It quotes what clients say: a topic alone may have 64 KiB."""
_LINE: Final = re.compile(r"\[(INF|WRN|ERR|FTL)\] (.*)")
_LISTENS: Final = re.compile(r"Listening for MQTT clients on \S+:(\d+)$")
# What it says of each client at each reload, having set that name itself.
_OF_NO_CONCERN: Final = "found in connect proto, but user required from cert"


class BundledBroker:
    """A `Driver`: CONNECTED while the process listens. `url` is for this machine."""

    def __init__(self, settings: BrokerSettings, authority: InstallationAuthority) -> None:
        self.settings = settings
        self.port = settings.port
        self._authority = authority
        self._admitted: frozenset[Admitted] = frozenset()
        # What the process that runs has taken; None where that is not certain.
        self._told: frozenset[Admitted] | None = None
        self._process: asyncio.subprocess.Process | None = None
        self._ready = asyncio.Event()
        self._reloaded: asyncio.Future[bool] | None = None
        self._last: list[str] = []
        self._turn = asyncio.Lock()
        self._starts = 0
        self._reloads = 0
        self._complaints = 0
        self._quiet_until_s = 0.0

    @property
    def url(self) -> str:
        host = {"0.0.0.0": "127.0.0.1", "::": "::1"}.get(self.settings.host, self.settings.host)  # noqa: S104
        return f"mqtts://[{host}]:{self.port}" if ":" in host else f"mqtts://{host}:{self.port}"

    async def run(self, link: Link) -> None:
        """Raises ConfigurationFault where there is no such program, PeerLost when it ended."""
        await asyncio.to_thread(_end_predecessor, self.settings)
        self._process = process = await self._begin()
        reading = asyncio.create_task(self._read(process), name="broker log")
        try:
            await self._until_ready(process, link)
            code = await process.wait()
            raise PeerLost(f"the broker ended ({code}): {' · '.join(self._last)}")
        finally:
            self._ready.clear()
            self._told_reload(taken=False)
            await _ended(process)
            self._process = None
            await reading

    async def aclose(self) -> None:
        """`run` ends its process itself."""

    def counters(self) -> Mapping[str, int]:
        return {
            "admitted": len(self._admitted),
            "starts": self._starts,
            "reloads": self._reloads,
            "complaints": self._complaints,
        }

    async def admit(self, gateways: Iterable[Admitted]) -> None:
        """Exactly these, from when this returns. Raises PeerLost or OSError where the broker
        does not take it, which then is still owed; one that does not run is told at its start."""
        async with self._turn:
            self._admitted = frozenset(gateways)
            await self._tell()

    async def _tell(self) -> None:
        """In its turn. Whatever breaks it off, the same is told again the next time."""
        process = self._process
        if process is None or not self._ready.is_set() or self._told == self._admitted:
            return
        self._told = None
        await completed(self._configure)
        await self._reload(process)
        self._told = self._admitted

    async def _reload(self, process: asyncio.subprocess.Process) -> None:
        if not self._ready.is_set():
            raise PeerLost("the broker ended meanwhile")
        self._reloaded = asyncio.get_running_loop().create_future()
        try:
            async with asyncio.timeout(RELOAD_S):
                process.send_signal(signal.SIGHUP)
                taken = await self._reloaded
        except (TimeoutError, ProcessLookupError) as error:
            raise PeerLost("the broker did not take its configuration in time") from error
        finally:
            self._reloaded = None
        if not taken:
            raise PeerLost(f"the broker did not take its configuration: {' · '.join(self._last)}")
        self._reloads += 1

    def _prepare(self) -> None:
        """Its certificate is made anew at each start."""
        settings = self.settings
        settings.folder.mkdir(mode=0o700, parents=True, exist_ok=True)
        pair = self._authority.broker_pair((settings.host, *settings.hosts))
        replace_file(settings.certificate, pair.certificate)
        replace_file(settings.key, pair.key)
        replace_file(settings.authority, self._authority.certificate_pem)
        self._configure()

    def _configure(self) -> None:
        admitted = sorted(self._admitted)
        replace_file(self.settings.configuration, document(self.settings, self.port, admitted))

    async def _begin(self) -> asyncio.subprocess.Process:
        """Who is admitted from here on is told once it is ready."""
        async with self._turn:
            self._told = None
            await completed(self._prepare)
            process = await self._start()
            self._told = self._admitted
            return process

    async def _start(self) -> asyncio.subprocess.Process:
        program = _program()
        if program is None:
            raise ConfigurationFault(f"{PROGRAM} is not installed")
        self._ready.clear()
        self._last.clear()
        self._starts += 1
        return await asyncio.create_subprocess_exec(
            *leashed([program, "--config", str(self.settings.configuration)]),
            stdin=asyncio.subprocess.DEVNULL,
            stdout=asyncio.subprocess.DEVNULL,
            stderr=asyncio.subprocess.PIPE,
            env={},
            limit=LINE_BYTES,
            start_new_session=True,  # a terminal's Ctrl-C is for us, who end it in turn
        )

    async def _until_ready(self, process: asyncio.subprocess.Process, link: Link) -> None:
        waits = [asyncio.create_task(self._ready.wait()), asyncio.create_task(process.wait())]
        try:
            await asyncio.wait(waits, timeout=START_S, return_when=asyncio.FIRST_COMPLETED)
        finally:
            for one in waits:
                one.cancel()
            await asyncio.wait(waits)
        if not self._ready.is_set():
            raise PeerLost(f"the broker does not start: {' · '.join(self._last)}")
        async with self._turn:
            await self._tell()
        await link.connected(self.url)

    async def _read(self, process: asyncio.subprocess.Process) -> None:
        assert process.stderr is not None  # noqa: S101 - it was started with one
        async for line in log_lines(process.stderr):
            found = _LINE.search(line.decode("utf-8", "replace").rstrip())
            if found is not None:
                self._heed(found[1], found[2])

    def _heed(self, level: str, said: str) -> None:
        if level in ("ERR", "FTL"):
            self._last = [*self._last, said][-LAST_WORDS:]
        if listens := _LISTENS.search(said):
            self.port = int(listens[1])
        elif said == "Server is ready":
            self._ready.set()
        elif said.startswith("Reloaded server configuration"):
            self._told_reload(taken=True)
        elif said.startswith("Failed to reload"):
            self._told_reload(taken=False)
        if level != "INF" and not said.endswith(_OF_NO_CONCERN):
            self._complained(said)

    def _complained(self, said: str) -> None:
        """All are counted; of a gateway that keeps at it one a second is logged."""
        self._complaints += 1
        now_s = asyncio.get_running_loop().time()
        if now_s >= self._quiet_until_s:
            self._quiet_until_s = now_s + QUIET_S
            log.warning("broker complains", said=said, complaints=self._complaints)

    def _told_reload(self, *, taken: bool) -> None:
        if self._reloaded is not None and not self._reloaded.done():
            self._reloaded.set_result(taken)


def _program() -> str | None:
    """Of this very environment before any other."""
    own = Path(sysconfig.get_path("scripts")) / PROGRAM
    return str(own) if own.exists() else shutil.which(PROGRAM)


async def _ended(process: asyncio.subprocess.Process) -> None:
    """Politely first: it writes down how far everybody has come."""
    if process.returncode is None:
        with suppress(ProcessLookupError):
            process.terminate()
        waiting = asyncio.create_task(process.wait())
        await asyncio.wait({waiting}, timeout=GRACE_S)
        if not waiting.done():
            with suppress(ProcessLookupError):
                process.kill()
        await waiting


def _end_predecessor(settings: BrokerSettings) -> None:
    """Of a factory that was killed: it still has the port and the store. One that this file names
    and that does not run on this very configuration is none of ours."""
    try:
        number = int(settings.pid.read_text())
        command = Path(f"/proc/{number}/cmdline").read_bytes()
    except (OSError, ValueError):
        return
    if str(settings.configuration).encode() not in command.split(b"\0"):
        return
    handle = os.pidfd_open(number)
    try:
        signal.pidfd_send_signal(handle, signal.SIGTERM)
        log.warning("the broker of an earlier run is ended", pid=number)
        _wait_for(handle)
    except ProcessLookupError:
        return
    finally:
        os.close(handle)


def _wait_for(handle: int) -> None:
    poll = select.poll()
    poll.register(handle, select.POLLIN)
    if not poll.poll(GRACE_S * 1000):
        signal.pidfd_send_signal(handle, signal.SIGKILL)
        poll.poll(GRACE_S * 1000)

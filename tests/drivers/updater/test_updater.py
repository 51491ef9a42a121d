"""The updater against a real server and real programs: what is installed was ordered and whole."""

import asyncio
import base64
import contextlib
import json
import os
import sys
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from hashlib import sha256
from pathlib import Path
from typing import Any

import httpx2
import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from domain.kernel.errors import Conflict, DomainError, NotFound, Unavailable, ValidationFailed
from drivers.artifacts.signatures import TrustedKeys
from drivers.backoff import BackoffPolicy
from drivers.updater.download import Downloader, DownloadPolicy
from drivers.updater.hooks import Hook
from drivers.updater.order import Order, Phase, Report
from drivers.updater.updater import Updater, UpdaterConfig
from oktograph.background import background
from tests.support.clocks import ManualClock
from tests.support.downloads import ArtifactServer, artifact_server
from tests.support.waiting import eventually

BODY = os.urandom(700_000)
FAST = BackoffPolicy(base_s=0.01, cap_s=0.02, floor_s=0.001)
COPY = "import shutil,sys; shutil.copyfile(sys.argv[1], sys.argv[2])"


@dataclass(slots=True)
class Reports:
    """A factory's intake, which can be away or refuse."""

    failure: DomainError | None = None
    taken: list[Report] = field(default_factory=list)
    tried: int = 0

    async def report(self, report: Report) -> None:
        self.tried += 1
        if self.failure is not None:
            raise self.failure
        self.taken.append(report)

    @property
    def states(self) -> list[str]:
        return [str(one.state) for one in self.taken]

    @property
    def last(self) -> Report:
        return self.taken[-1]


@dataclass(slots=True)
class Bench:
    """One edge's updater, its factory and its disk; it can be stopped and started again."""

    folder: Path
    server: ArtifactServer
    http: httpx2.AsyncClient
    clock: ManualClock
    reports: Reports = field(default_factory=Reports)
    changes: dict[str, Any] = field(default_factory=dict)
    policy: DownloadPolicy = field(default_factory=lambda: DownloadPolicy(3, backoff=FAST))
    running: str = "1.0.0"

    @property
    def installed(self) -> Path:
        return self.folder / "installed.bin"

    def order(self, body: bytes = BODY, **changes: Any) -> Order:
        given = {
            "target_id": "t1",
            "attempt": 1,
            "hop": 0,
            "release_id": "r1",
            "application": "edge",
            "version": "2.0.0",
            "filename": "fw.bin",
            "size_bytes": len(body),
            "sha256": sha256(body).hexdigest(),
            "url": self.server.url,
        }
        return Order.of(given | changes)

    def config(self) -> UpdaterConfig:
        given: dict[str, Any] = {
            "folder": self.folder / "state",
            "install": program(COPY, "{artifact}", str(self.installed)),
            "running_version": lambda: self.running,
            "report_backoff": FAST,
        }
        return UpdaterConfig(**given | self.changes)

    @asynccontextmanager
    async def updater(self) -> AsyncIterator[Updater]:
        downloader = Downloader(self.http, self.policy, device_headers)
        opened = await Updater.open(self.config(), downloader, self.reports, self.clock)
        task = asyncio.create_task(opened.run())
        try:
            yield opened
        finally:
            task.cancel()
            with contextlib.suppress(asyncio.CancelledError):
                await task

    async def ended(self, order: Order) -> str:
        """The last word on an order, once the factory has it."""
        async with self.updater() as updater:
            await updater.accept(order)
            await eventually(lambda: updater.phase is Phase.ENDED and not updater.unsent_reports)
        return str(self.reports.last.state)


async def device_headers() -> dict[str, str]:
    return {"Authorization": "Bearer device"}


def program(code: str, *argv: str, **changes: Any) -> Hook:
    return Hook((sys.executable, "-c", code, *argv), **changes)


@pytest.fixture
async def bench(tmp_path: Path, clock: ManualClock) -> AsyncIterator[Bench]:
    async with artifact_server(BODY) as server, httpx2.AsyncClient(trust_env=False) as http:
        yield Bench(tmp_path, server, http, clock)


async def test_it_downloads_verifies_installs_and_tells(bench: Bench) -> None:
    assert await bench.ended(bench.order()) == "SUCCEEDED"
    assert bench.installed.read_bytes() == BODY
    assert bench.reports.states == ["DOWNLOADING", "VERIFYING", "INSTALLING", "SUCCEEDED"]
    assert len({one.report_key for one in bench.reports.taken}) == 4
    assert b"Authorization: Bearer device" in bench.server.requests[0]


async def test_a_cut_download_goes_on_where_it_was(bench: Bench) -> None:
    bench.server.cut_after = [300_000, 100_000, 0, 0]
    assert await bench.ended(bench.order()) == "SUCCEEDED"
    assert bench.installed.read_bytes() == BODY
    starts = bench.server.starts
    assert starts[0] == 0
    assert 0 < starts[1] <= starts[2] <= starts[3] <= starts[4]
    assert f'If-Range: "{bench.order().sha256}"'.encode() in bench.server.requests[1]


async def test_a_server_that_knows_no_ranges_is_taken_from_the_start(bench: Bench) -> None:
    bench.server.cut_after, bench.server.ignores_ranges = [300_000], True
    assert await bench.ended(bench.order()) == "SUCCEEDED"
    assert bench.installed.read_bytes() == BODY


async def test_a_link_that_brings_nothing_ends_it(bench: Bench) -> None:
    bench.server.cut_after = [0] * 10
    assert await bench.ended(bench.order()) == "FAILED"
    assert len(bench.server.requests) == 3
    assert not bench.installed.exists()
    bench.server.cut_after = []
    assert await bench.ended(bench.order(attempt=2)) == "SUCCEEDED"


@pytest.mark.parametrize("status", [401, 403, 404, 416])
async def test_a_refusal_is_not_asked_again(bench: Bench, status: int) -> None:
    bench.server.status = status
    assert await bench.ended(bench.order()) == "FAILED"
    assert len(bench.server.requests) == 1


@pytest.mark.parametrize("body", [BODY[:-1] + b"?", BODY + b"more", BODY[:-9]])
async def test_other_bytes_are_never_installed(bench: Bench, body: bytes) -> None:
    bench.server.body = body
    assert await bench.ended(bench.order()) == "FAILED"
    assert not bench.installed.exists()
    assert "INSTALLING" not in bench.reports.states


async def test_a_part_that_a_power_cut_spoilt_is_thrown_away(bench: Bench) -> None:
    order = bench.order()
    part = bench.folder / "state" / f"{order.sha256}.part"
    part.parent.mkdir()
    part.write_bytes(bytes(400_000))
    assert await bench.ended(order) == "SUCCEEDED"
    assert bench.installed.read_bytes() == BODY
    assert bench.server.starts == [400_000, 0]


async def test_only_what_a_trusted_key_signed(bench: Bench) -> None:
    key, other = Ed25519PrivateKey.generate(), Ed25519PrivateKey.generate()
    bench.changes["signatures"] = TrustedKeys({"k1": key.public_key().public_bytes_raw()})
    digest = sha256(BODY).digest()
    forged, good = (base64.b64encode(one.sign(digest)).decode() for one in (other, key))
    assert await bench.ended(bench.order()) == "FAILED"
    assert await bench.ended(bench.order(attempt=2, signature=forged, key_id="k1")) == "FAILED"
    assert not bench.installed.exists()
    assert await bench.ended(bench.order(attempt=3, signature=good, key_id="k1")) == "SUCCEEDED"


async def test_without_room_nothing_is_downloaded(bench: Bench) -> None:
    bench.policy = DownloadPolicy(3, backoff=FAST, reserve_bytes=2**62)
    assert await bench.ended(bench.order()) == "FAILED"
    assert "room" in (bench.reports.last.message or "")
    assert not bench.server.requests


async def test_a_hook_that_fails_is_taken_back(bench: Bench) -> None:
    assert await bench.ended(bench.order()) == "SUCCEEDED"
    second = os.urandom(1_000)
    bench.server.body = second
    bench.changes["install"] = program("import sys; print('no space'); sys.exit(3)")
    bench.changes["rollback"] = program(COPY, "{previous}", str(bench.installed))
    assert await bench.ended(bench.order(second, version="3.0.0", target_id="t2")) == "ROLLED_BACK"
    assert bench.reports.last.message == "the installation failed: exit 3: no space"
    assert bench.installed.read_bytes() == BODY


async def test_a_rollback_that_fails_too_says_both(bench: Bench) -> None:
    bench.changes["install"] = program("import sys; sys.exit(3)")
    bench.changes["rollback"] = Hook(("/nowhere/at/all",))
    assert await bench.ended(bench.order()) == "FAILED"
    assert "exit 3" in (bench.reports.last.message or "")
    assert "falling back failed: exit 127" in (bench.reports.last.message or "")


async def test_a_hook_is_bounded_in_time_and_output(bench: Bench) -> None:
    endless = "import sys\nwhile True: sys.stdout.write('x' * 65536)"
    bench.changes["install"] = program(endless, timeout_s=0.7)
    assert await bench.ended(bench.order()) == "FAILED"
    assert "did not end within 0.7 s" in (bench.reports.last.message or "")
    bench.changes["install"] = program("print('y' * 1000000)\nraise SystemExit(1)")
    assert await bench.ended(bench.order(attempt=2)) == "FAILED"
    assert len(bench.reports.last.message or "") <= 4_000


async def test_no_shell_ever_sees_an_argument(bench: Bench) -> None:
    version = "2.0.0; touch /tmp/owned $(id) `id`"
    seen = bench.folder / "seen"
    code = "import pathlib,sys; pathlib.Path(sys.argv[1]).write_text(sys.argv[2])"
    bench.changes["install"] = program(code, str(seen), "{version}")
    assert await bench.ended(bench.order(version=version)) == "SUCCEEDED"
    assert seen.read_text() == version


@pytest.mark.parametrize(
    "changes",
    [
        {"sha256": "../../etc/passwd"},
        {"size_bytes": 0},
        {"url": "file:///etc/passwd"},
        {"hop": "x"},
    ],
)
def test_orders_that_are_none(changes: dict[str, Any], tmp_path: Path) -> None:
    bench = Bench(tmp_path, ArtifactServer(b"x"), Any, ManualClock())  # type: ignore[arg-type]
    with pytest.raises(ValidationFailed):
        bench.order(**changes)


async def test_the_same_order_again_is_no_other_and_a_second_one_waits(bench: Bench) -> None:
    bench.changes["install"] = program("import time; time.sleep(60)")
    async with bench.updater() as updater:
        await updater.accept(bench.order())
        await eventually(lambda: updater.phase is Phase.HOOK)
        await updater.accept(bench.order())
        with pytest.raises(Conflict):
            await updater.accept(bench.order(target_id="t2"))


async def test_an_order_that_is_too_late_is_not_begun(bench: Bench, clock: ManualClock) -> None:
    async with bench.updater() as updater:
        with pytest.raises(ValidationFailed):
            await updater.accept(bench.order(expires_at_us=clock.now_us()))
    assert not bench.server.requests


WAITS = """
import pathlib, sys, time
begun, go, target = map(pathlib.Path, sys.argv[1:])
begun.touch()
while not go.exists():
    time.sleep(0.01)
target.touch()
"""


async def test_a_disk_that_takes_no_report_ends_no_installation(bench: Bench) -> None:
    begun, go, state = bench.folder / "begun", bench.folder / "go", bench.folder / "state"
    bench.changes["install"] = program(WAITS, str(begun), str(go), str(bench.installed))
    bench.reports.failure = Unavailable("away")
    async with bench.updater() as updater:
        await updater.accept(bench.order())
        await eventually(begun.exists)
        (state / "updater.fresh").mkdir()  # in the way of every write
        bench.reports.failure = None
        await eventually(lambda: len(bench.reports.taken) == 3)
        assert len(saved(state)["reports"]) == 3
        (state / "updater.fresh").rmdir()
        await eventually(lambda: not saved(state)["reports"])
        assert saved(state)["phase"] == "HOOK"
        go.touch()
        await eventually(lambda: updater.phase is Phase.ENDED and not updater.unsent_reports)
    assert bench.installed.exists()
    assert bench.reports.states == ["DOWNLOADING", "VERIFYING", "INSTALLING", "SUCCEEDED"]


async def test_an_order_that_the_disk_did_not_take_may_come_again(bench: Bench) -> None:
    fresh = bench.folder / "state" / "updater.fresh"
    async with bench.updater() as updater:
        fresh.mkdir()
        with pytest.raises(OSError, match="directory"):
            await updater.accept(bench.order())
        assert (updater.order, updater.phase) == (None, Phase.ENDED)
        fresh.rmdir()
        await updater.accept(bench.order())
        await eventually(lambda: updater.phase is Phase.ENDED and not updater.unsent_reports)
    assert bench.reports.states == ["DOWNLOADING", "VERIFYING", "INSTALLING", "SUCCEEDED"]


def saved(folder: Path) -> dict[str, Any]:
    found: dict[str, Any] = json.loads((folder / "updater.json").read_bytes())
    return found


DEAF = """
import os, pathlib, signal, sys, time
pid, told = map(pathlib.Path, sys.argv[1:])
signal.signal(signal.SIGTERM, lambda *_: told.touch())
pid.with_suffix(".new").write_text(str(os.getpid()))
pid.with_suffix(".new").rename(pid)
while True:
    time.sleep(60)
"""


class BrokenReports(Reports):
    async def report(self, report: Report) -> None:
        if self.failure is None:
            raise AttributeError("a library's own")
        await super().report(report)


async def test_a_stop_while_it_ends_for_what_broke_is_a_stop(bench: Bench) -> None:
    pid, told = bench.folder / "pid", bench.folder / "told"
    bench.changes["install"] = program(DEAF, str(pid), str(told))
    bench.reports = BrokenReports(Unavailable("away"))
    downloader = Downloader(bench.http, bench.policy, device_headers)
    updater = await Updater.open(bench.config(), downloader, bench.reports, bench.clock)
    stop = background(updater.run, "updater")
    await updater.accept(bench.order())
    await eventually(pid.exists)
    bench.reports.failure = None  # breaks now; the installer does not heed that it is to end
    await eventually(told.exists)
    async with asyncio.timeout(10):
        await stop()
    await eventually(lambda: not is_alive(int(pid.read_text())))
    assert updater.phase is Phase.HOOK


def is_alive(pid: int) -> bool:
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return False
    return True


async def test_reports_wait_for_the_factory_over_a_restart(bench: Bench) -> None:
    bench.reports.failure = Unavailable("away")
    async with bench.updater() as updater:
        await updater.accept(bench.order())
        await eventually(lambda: updater.phase is Phase.ENDED and bench.reports.tried > 2)
    assert not bench.reports.taken
    bench.reports.failure = None
    async with bench.updater() as updater:
        await eventually(lambda: not updater.unsent_reports)
    assert bench.reports.states == ["DOWNLOADING", "VERIFYING", "INSTALLING", "SUCCEEDED"]


async def test_a_report_that_is_refused_does_not_hold_up_the_others(bench: Bench) -> None:
    bench.reports.failure = NotFound("Update", "t1")
    async with bench.updater() as updater:
        await updater.accept(bench.order())
        await eventually(lambda: updater.phase is Phase.ENDED and not updater.unsent_reports)
    assert bench.reports.tried == 4


@pytest.mark.parametrize(("running", "outcome"), [("2.0.0", "SUCCEEDED"), ("1.0.0", "ROLLED_BACK")])
async def test_a_version_that_shows_after_a_restart(
    bench: Bench, running: str, outcome: str
) -> None:
    bench.changes["install"] = program("raise SystemExit(10)", restart_code=10)
    bench.changes["rollback"] = program("")
    async with bench.updater() as updater:
        await updater.accept(bench.order())
        await eventually(lambda: updater.phase is Phase.RESTARTING and not updater.unsent_reports)
    assert bench.reports.states[-1] == "REBOOTING"
    bench.running = running
    async with bench.updater() as updater:
        await eventually(lambda: updater.phase is Phase.ENDED and not updater.unsent_reports)
    assert bench.reports.states[-1] == outcome


async def test_an_installation_that_was_interrupted_is_taken_back(bench: Bench) -> None:
    begun = bench.folder / "begun"
    code = "import pathlib,sys,time; pathlib.Path(sys.argv[1]).touch(); time.sleep(60)"
    bench.changes["install"] = program(code, str(begun))
    bench.changes["rollback"] = program("")
    async with bench.updater() as updater:
        await updater.accept(bench.order())
        await eventually(begun.exists)
    async with bench.updater() as updater:
        await eventually(lambda: updater.phase is Phase.ENDED and not updater.unsent_reports)
    assert bench.reports.states[-1] == "ROLLED_BACK"
    assert bench.reports.last.message == "the installation was interrupted"


async def test_two_versions_are_kept(bench: Bench) -> None:
    bodies = [os.urandom(1_000) for _ in range(4)]
    for place, body in enumerate(bodies):
        bench.server.body = body
        order = bench.order(body, target_id=f"t{place}", version=f"2.{place}.0")
        assert await bench.ended(order) == "SUCCEEDED"
    kept = {path.read_bytes() for path in (bench.folder / "state").glob("*.artifact")}
    assert kept == set(bodies[2:])

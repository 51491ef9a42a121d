"""Supervision of any driver: states, backoff, log lines, clean stops, diffs."""

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping
from contextlib import asynccontextmanager, suppress
from typing import Any

import pytest
from structlog.testing import capture_logs

from domain.kernel.errors import NotFound, ValidationFailed
from drivers import registry
from drivers.backoff import BackoffPolicy
from drivers.link import ConfigurationFault, Driver, Link, LinkState, PeerLost, StateChange
from drivers.scanners.port import ScannerConfig, TcpMode
from drivers.scanners.simulation import SimulatorConfig
from drivers.scanners.simulator import ScannerSimulator
from drivers.supervised import SupervisedTask
from drivers.supervisor import Changes, Declaration, Supervisor
from tests.support.scanners import GENERIC, QUICK, Sink, milk, scanner_config
from tests.support.waiting import DEADLINE_S, eventually


class Scripted:
    """A driver whose attempts do what the test says."""

    def __init__(self, attempt: Callable[[Link], Awaitable[None]]) -> None:
        self._attempt = attempt
        self.attempts = 0
        self.closed = 0

    async def run(self, link: Link) -> None:
        self.attempts += 1
        await self._attempt(link)

    async def aclose(self) -> None:
        self.closed += 1

    def counters(self) -> Mapping[str, int]:
        return {"attempts": self.attempts}


async def stay(link: Link) -> None:
    await link.connected("peer")
    await asyncio.Event().wait()


async def leave_at_once(_: Link) -> None:
    return


@asynccontextmanager
async def supervised(driver: Driver, **options: Any) -> AsyncIterator[SupervisedTask]:
    task = SupervisedTask("press", driver, **{"backoff": QUICK, **options})
    task.start()
    try:
        yield task
    finally:
        await task.stop()


def test_backoff_grows_with_full_jitter_up_to_its_cap() -> None:
    policy = BackoffPolicy(base_s=1, cap_s=10, floor_s=0.1)
    assert [policy.delay_s(n, lambda: 0.5) for n in (1, 2, 3, 4, 5, 10**6)] == [0.5, 1, 2, 4, 5, 5]
    assert policy.delay_s(1, lambda: 0.0) == 0.1


@pytest.mark.parametrize("wrong", [{"floor_s": 0}, {"cap_s": 0.1}, {"stable_s": -1}])
def test_backoff_refuses_nonsense(wrong: dict[str, float]) -> None:
    with pytest.raises(ValueError, match="must hold"):
        BackoffPolicy(**wrong)


async def test_driver_that_returns_at_once_is_no_busy_loop() -> None:
    driver = Scripted(leave_at_once)
    policy = BackoffPolicy(base_s=0.05, cap_s=0.05, floor_s=0.05)
    began_s = asyncio.get_running_loop().time()
    async with supervised(driver, backoff=policy) as task:
        await eventually(lambda: driver.attempts == 6)
        assert asyncio.get_running_loop().time() - began_s >= 0.24
        assert task.snapshot().attempts in (5, 6)
        assert task.snapshot().last_error == "the driver ended"


async def test_one_line_when_lost_and_one_when_back() -> None:
    async def flap(link: Link) -> None:
        if driver.attempts < 5:
            raise PeerLost("nobody there")
        await stay(link)

    driver, changes = Scripted(flap), []

    async def record(change: StateChange) -> None:
        changes.append((change.previous, change.state, change.reason))

    with capture_logs() as logs:
        async with supervised(driver, on_transition=record) as task:
            await task.wait_for_state(LinkState.CONNECTED, DEADLINE_S)
    assert [(e["event"], e["reason"]) for e in logs] == [
        ("device_lost", "nobody there"),
        ("device_back", "peer"),
    ]
    assert changes == [
        (LinkState.STOPPED, LinkState.CONNECTING, None),
        (LinkState.CONNECTING, LinkState.LOST, "nobody there"),
        (LinkState.LOST, LinkState.CONNECTED, "peer"),
        (LinkState.CONNECTED, LinkState.STOPPED, None),
    ]
    assert driver.closed == 1


async def test_configuration_fault_is_not_retried() -> None:
    async def refuse(_: Link) -> None:
        raise ConfigurationFault("no such register")

    driver = Scripted(refuse)
    with capture_logs() as logs:
        async with supervised(driver) as task:
            await task.wait_for_state(LinkState.FAULTED, DEADLINE_S)
            assert (driver.attempts, driver.closed) == (1, 1)
            assert task.snapshot().last_error == "no such register"
    assert [entry["event"] for entry in logs] == ["device_misconfigured"]


async def test_fault_of_a_driver_is_logged_once_with_its_trace() -> None:
    async def break_down(_: Link) -> None:
        raise KeyError("bug")

    driver = Scripted(break_down)
    with capture_logs() as logs:
        async with supervised(driver):
            await eventually(lambda: driver.attempts > 3)
    (entry,) = logs
    assert isinstance(entry["exc_info"], KeyError)


async def test_stable_connection_resets_the_backoff() -> None:
    async def drop(link: Link) -> None:
        if driver.attempts == 4:
            await link.connected("peer")

    driver = Scripted(drop)
    never, always = QUICK, BackoffPolicy(base_s=0.02, cap_s=0.05, floor_s=0.01, stable_s=0)
    for policy, attempts in ((never, 4), (always, 1)):
        driver.attempts = 0
        async with supervised(driver, backoff=policy) as task:
            await task.wait_for_state(LinkState.CONNECTED, DEADLINE_S)
            await task.wait_for_state(LinkState.LOST, DEADLINE_S)
            assert task.snapshot().attempts == attempts


async def test_listener_that_fails_disturbs_nothing() -> None:
    async def journal_is_down(_: StateChange) -> None:
        raise OSError("disk full")

    with capture_logs() as logs:
        async with supervised(Scripted(stay), on_transition=journal_is_down) as task:
            await task.wait_for_state(LinkState.CONNECTED, DEADLINE_S)
    assert "device_transition_not_recorded" in {entry["event"] for entry in logs}


async def test_reconnect_does_not_wait_for_the_backoff() -> None:
    driver = Scripted(stay)
    slow = BackoffPolicy(base_s=60, cap_s=60, floor_s=60)
    async with supervised(driver, backoff=slow) as task:
        await task.wait_for_state(LinkState.CONNECTED, DEADLINE_S)
        lost, back = task.expect(LinkState.LOST), task.expect(LinkState.CONNECTED)
        task.reconnect()
        await asyncio.wait_for(lost, DEADLINE_S)
        await asyncio.wait_for(back, DEADLINE_S)
        assert driver.attempts == 2


async def test_words_of_an_attempt_that_is_over_are_not_heard() -> None:
    links: list[Link] = []

    async def keep(link: Link) -> None:
        links.append(link)

    driver = Scripted(keep)
    async with supervised(driver) as task:
        await task.wait_for_state(LinkState.LOST, DEADLINE_S)
        await links[0].connected("ghost")
        links[0].reading(1)
        assert (task.snapshot().state, task.snapshot().readings) == (LinkState.LOST, 0)


async def test_stop_that_is_cancelled_still_stops() -> None:
    release = asyncio.Event()

    async def slow_end(link: Link) -> None:
        try:
            await stay(link)
        finally:
            await release.wait()

    driver = Scripted(slow_end)
    async with supervised(driver) as task:
        await task.wait_for_state(LinkState.CONNECTED, DEADLINE_S)
        stopping = asyncio.create_task(task.stop())
        await asyncio.wait({stopping}, timeout=0.02)
        stopping.cancel()
        await asyncio.wait({stopping})
        release.set()
        await task.wait_for_state(LinkState.STOPPED, DEADLINE_S)
        assert driver.closed == 1


async def test_stopping_what_never_ran_and_starting_again() -> None:
    driver = Scripted(stay)
    task = SupervisedTask("press", driver, backoff=QUICK)
    await task.stop()
    for _ in range(2):
        task.start()
        task.start()
        await task.wait_for_state(LinkState.CONNECTED, DEADLINE_S)
        await task.stop()
    assert (driver.attempts, driver.closed) == (2, 2)


async def test_stop_at_the_very_moment_of_a_retry() -> None:
    policy = BackoffPolicy(base_s=0.01, cap_s=0.01, floor_s=0.01)
    for at in range(100):
        async with supervised(Scripted(leave_at_once), backoff=policy) as task:
            await task.wait_for_state(LinkState.LOST, DEADLINE_S)
            late = asyncio.get_running_loop().create_future()
            await asyncio.wait({late}, timeout=at / 5000)
            await asyncio.wait_for(task.stop(), DEADLINE_S)


async def test_a_start_asked_while_it_stops_comes_after_it_and_a_stop_after_that_wins() -> None:
    ending, release = asyncio.Event(), asyncio.Event()

    async def slow_end(link: Link) -> None:
        try:
            await stay(link)
        finally:
            ending.set()
            await release.wait()

    driver = Scripted(slow_end)
    async with supervised(driver) as task:
        for starts_again in (True, False):
            ending.clear()
            release.clear()
            await task.wait_for_state(LinkState.CONNECTED, DEADLINE_S)
            attempts = driver.attempts
            stopping = [asyncio.create_task(task.stop())]
            await ending.wait()
            task.start()
            if not starts_again:
                stopping.append(asyncio.create_task(task.stop()))
                await asyncio.sleep(0)
            assert driver.attempts == attempts
            back = task.expect(LinkState.CONNECTED)
            release.set()
            await asyncio.gather(*stopping)
            if starts_again:
                await asyncio.wait_for(back, DEADLINE_S)
                assert driver.attempts == driver.closed + 1 == attempts + 1
        await asyncio.sleep(0)
        assert task.snapshot().state is LinkState.STOPPED
        assert driver.attempts == driver.closed == attempts


async def test_a_start_asked_while_it_faults_is_not_lost() -> None:
    faulting, release = asyncio.Event(), asyncio.Event()

    async def refuse_once(link: Link) -> None:
        if driver.attempts == 1:
            raise ConfigurationFault("no such register")
        await stay(link)

    async def slow_journal(change: StateChange) -> None:
        if change.state is LinkState.FAULTED:
            faulting.set()
            await release.wait()

    driver = Scripted(refuse_once)
    async with supervised(driver, on_transition=slow_journal) as task:
        await faulting.wait()
        task.start()
        release.set()
        await task.wait_for_state(LinkState.CONNECTED, DEADLINE_S)


async def test_whoever_loses_its_cancellation_is_cancelled_again() -> None:
    async def forgetful(link: Link) -> None:
        for _ in range(3):
            with suppress(asyncio.CancelledError):
                await stay(link)

    driver = Scripted(forgetful)
    with capture_logs() as logs:
        async with supervised(driver, clean_end_s=0.01) as task:
            await task.wait_for_state(LinkState.CONNECTED, DEADLINE_S)
            await asyncio.wait_for(task.stop(), DEADLINE_S)
            assert task.snapshot().state is LinkState.STOPPED
    told = [entry for entry in logs if entry["event"] == "device_does_not_stop"]
    assert [(entry["log_level"], entry["what"]) for entry in told] == [
        ("error", "attempt press")
    ] * 2
    assert driver.attempts == driver.closed == 1


async def test_a_listener_that_eats_the_cancellation_does_not_keep_it_from_stopping() -> None:
    told = asyncio.Event()

    async def greedy(change: StateChange) -> None:
        if change.state is LinkState.LOST:
            told.set()
            with suppress(asyncio.CancelledError):
                await asyncio.Event().wait()

    driver = Scripted(leave_at_once)
    async with supervised(driver, on_transition=greedy) as task:
        await told.wait()
        await asyncio.wait_for(task.stop(), DEADLINE_S)
        assert task.snapshot().state is LinkState.STOPPED
        assert driver.attempts == driver.closed == 1


async def test_waiting_has_a_deadline() -> None:
    async with supervised(Scripted(leave_at_once)) as task:
        with pytest.raises(TimeoutError):
            await task.wait_for_state(LinkState.CONNECTED, 0.01)


@asynccontextmanager
async def two_scanners() -> AsyncIterator[tuple[list[ScannerSimulator], Supervisor, list[Any]]]:
    changes: list[StateChange] = []

    async def record(change: StateChange) -> None:
        changes.append(change)

    supervisor = Supervisor(on_transition=record, backoff=QUICK)
    config = SimulatorConfig(rate=None)
    async with ScannerSimulator(config) as one, ScannerSimulator(config) as two:
        try:
            yield [one, two], supervisor, changes
        finally:
            await supervisor.stop()
            await supervisor.stop()


def settings(at: int, simulator: ScannerSimulator, **more: Any) -> ScannerConfig:
    own = {"index": at, "name": f"s{at}", **more}
    config: ScannerConfig = scanner_config(GENERIC, TcpMode.CLIENT, simulator.port, **own)
    return config


async def test_cut_scanner_does_not_disturb_the_other() -> None:
    async with two_scanners() as ((one, two), supervisor, changes):
        sinks = [Sink(), Sink()]
        await supervisor.apply(
            registry.scanner_declaration(settings(at, simulator), sinks[at])
            for at, simulator in enumerate((one, two))
        )
        for key in ("scanner-0", "scanner-1"):
            await supervisor.task(key).wait_for_state(LinkState.CONNECTED, DEADLINE_S)
        lost = supervisor.task("scanner-0").expect(LinkState.LOST)
        codes = milk(200)
        for at, code in enumerate(codes):
            await two.emit(code)
            if at == 100:
                await one.close()
                await asyncio.wait_for(lost, DEADLINE_S)
        await sinks[1].count(200)
        assert sinks[1].texts == codes
        other = [change.state for change in changes if change.name == "scanner-1"]
        assert other == [LinkState.CONNECTING, LinkState.CONNECTED]


async def test_only_what_changed_restarts() -> None:
    async with two_scanners() as ((one, two), supervisor, changes):
        sink = Sink()

        def declare(*configs: ScannerConfig) -> list[Declaration]:
            return [registry.scanner_declaration(config, sink) for config in configs]

        first, second = settings(0, one), settings(1, two)
        applied = await supervisor.apply(declare(first, second))
        assert applied == Changes(("scanner-0", "scanner-1"), (), ())
        for key in ("scanner-0", "scanner-1"):
            await supervisor.task(key).wait_for_state(LinkState.CONNECTED, DEADLINE_S)
        assert await supervisor.apply(declare(first, second)) == Changes((), (), ())

        renamed = settings(0, one, name="renamed")
        assert await supervisor.apply(declare(renamed, second)) == Changes((), ("scanner-0",), ())
        await supervisor.task("scanner-0").wait_for_state(LinkState.CONNECTED, DEADLINE_S)
        assert await supervisor.apply(declare(second)) == Changes((), (), ("scanner-0",))
        assert list(supervisor.snapshots()) == ["scanner-1"]
        with pytest.raises(NotFound):
            supervisor.task("scanner-0")
        other = [change.state for change in changes if change.name == "scanner-1"]
        assert other == [LinkState.CONNECTING, LinkState.CONNECTED]


async def test_refused_set_changes_nothing() -> None:
    async with two_scanners() as ((one, two), supervisor, changes):
        sink = Sink()
        good = registry.scanner_declaration(settings(0, one), sink)
        await supervisor.apply([good])
        await supervisor.task("scanner-0").wait_for_state(LinkState.CONNECTED, DEADLINE_S)
        before = list(changes)
        pigeon = settings(1, two).model_copy(update={"transport": "CARRIER_PIGEON"})
        changed = registry.scanner_declaration(settings(0, one, name="renamed"), sink)
        with pytest.raises(ValidationFailed):
            await supervisor.apply([changed, registry.scanner_declaration(pigeon, sink)])
        with pytest.raises(ValidationFailed):
            await supervisor.apply([good, good])
        assert changes == before
        assert supervisor.task("scanner-0").snapshot().state is LinkState.CONNECTED


async def test_faulted_device_is_tried_anew_when_declared_again() -> None:
    async def refuse(_: Link) -> None:
        raise ConfigurationFault("no such register")

    driver, supervisor = Scripted(refuse), Supervisor(backoff=QUICK)
    for attempts in (1, 2):
        assert (await supervisor.apply([Declaration("press", 1, lambda: driver)])).restarted == ()
        faulted = supervisor.task("press").wait_for_state(LinkState.FAULTED, DEADLINE_S)
        await asyncio.gather(faulted, eventually(lambda n=attempts: driver.attempts == n))  # type: ignore[misc]
    await supervisor.stop()


class Leaving:
    """Devices that take leave for as long as the test wants."""

    def __init__(self) -> None:
        self.supervisor = Supervisor(backoff=QUICK)
        self.release = asyncio.Event()
        self.leaving = asyncio.Event()
        self.built: list[int] = []

    def declared(self, config: int) -> list[Declaration]:
        def build() -> Scripted:
            self.built.append(config)
            return Scripted(self._stay)

        return [Declaration("press", config, build)]

    async def connected(self) -> None:
        task = self.supervisor.task("press")
        await task.wait_for_state(LinkState.CONNECTED, DEADLINE_S)

    async def _stay(self, link: Link) -> None:
        try:
            await stay(link)
        finally:
            self.leaving.set()
            await self.release.wait()


@asynccontextmanager
async def cancelled_in_the_midst(ask: Callable[[Leaving], Awaitable[object]]) -> AsyncIterator[Any]:
    """Device 1 is stopping, and whoever asked for that has gone."""
    line = Leaving()
    await line.supervisor.apply(line.declared(1))
    await line.connected()
    asking = asyncio.ensure_future(ask(line))
    try:
        await asyncio.wait_for(line.leaving.wait(), DEADLINE_S)
        asking.cancel()
        await asyncio.wait({asking})
        assert asking.cancelled()
        yield line
    finally:
        line.release.set()
        await line.supervisor.stop()


async def test_who_goes_while_devices_stop_leaves_none_of_them_dead() -> None:
    async with cancelled_in_the_midst(lambda line: line.supervisor.apply(line.declared(2))) as line:
        line.release.set()
        await eventually(lambda: line.built == [1, 2])
        assert await line.supervisor.apply(line.declared(2)) == Changes((), (), ())
        await line.connected()
        assert line.built == [1, 2]


@pytest.mark.parametrize("stopped", [False, True])
async def test_what_was_there_runs_again_though_it_is_declared_while_it_stops(
    stopped: bool,
) -> None:
    def ask(line: Leaving) -> Awaitable[object]:
        return line.supervisor.stop() if stopped else line.supervisor.apply(line.declared(2))

    async with cancelled_in_the_midst(ask) as line:
        back = asyncio.create_task(line.supervisor.apply(line.declared(1)))
        await asyncio.wait({back}, timeout=0.01)
        line.release.set()
        key = ("press",)
        assert await back == (Changes(key, (), ()) if stopped else Changes((), key, ()))
        await line.connected()
        assert line.built == ([1, 1] if stopped else [1, 2, 1])

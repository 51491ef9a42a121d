"""Calls in a window, counted in memory and in a real Redis."""

from collections.abc import AsyncIterator
from dataclasses import dataclass, field

import pytest

from domain.kernel.clock import Clock, SystemClock
from drivers.counters import AWAY_S
from drivers.rates import Rate, Rates, Standing
from tests.support.clocks import ManualClock
from tests.support.redis import RedisServer

READS = Rate("reads", 3)
WRITES = Rate("writes", 1)


@dataclass(slots=True)
class Processes:
    """Makes the rates of processes that share one storage, and closes them."""

    url: str
    made: list[Rates] = field(default_factory=list)

    def new(self, clock: Clock, *, enabled: bool = True) -> Rates:
        self.made.append(Rates(self.url, clock, enabled=enabled))
        return self.made[-1]


@pytest.fixture(params=["memory", "redis"])
async def processes(request: pytest.FixtureRequest) -> AsyncIterator[Processes]:
    url = "memory://"
    if request.param == "redis":
        url = request.getfixturevalue("redis_server").url
    found = Processes(url)
    yield found
    for one in found.made:
        await one.close()


async def hit(rates: Rates, rate: Rate = READS, key: str = "ann") -> Standing:
    found = await rates.hit(rate, key)
    assert found is not None
    return found


async def test_so_many_and_no_more(processes: Processes) -> None:
    rates = processes.new(SystemClock())
    found = [await hit(rates) for _ in range(5)]
    assert [one.remaining for one in found] == [2, 1, 0, 0, 0]
    assert {one.limit for one in found} == {3}
    assert [one.retry_after_s is None for one in found] == [True, True, True, False, False]
    now_s = SystemClock().now_us() / 1e6
    for one in found:
        assert now_s + 50 < one.resets_at_s <= now_s + 61
        assert one.retry_after_s is None or 50 < one.retry_after_s <= 60


async def test_callers_and_kinds_of_calls_are_counted_apart(processes: Processes) -> None:
    rates = processes.new(SystemClock())
    assert (await hit(rates, WRITES)).retry_after_s is None
    assert (await hit(rates, WRITES)).retry_after_s is not None
    assert (await hit(rates, WRITES, "bob")).retry_after_s is None
    assert (await hit(rates)).remaining == 2


async def test_a_window_ends(clock: ManualClock) -> None:
    rates = Rates("memory://", clock)
    began_us = clock.now_us()
    for _ in range(4):
        last = await hit(rates)
        clock.advance(1)
    assert last.retry_after_s == 57
    assert last.resets_at_s == -(-(began_us + 60_000_000) // 1_000_000)
    clock.advance(56)
    assert (await hit(rates)).remaining == 2


async def test_two_processes_count_together(redis_server: RedisServer) -> None:
    both = Processes(redis_server.url)
    one, two = both.new(SystemClock()), both.new(SystemClock())
    found = [await hit(rates) for rates in (one, two, one, two)]
    assert [standing.remaining for standing in found] == [2, 1, 0, 0]
    assert found[-1].retry_after_s is not None
    for rates in both.made:
        await rates.close()


async def test_while_redis_is_away_each_counts_for_itself(
    redis_server: RedisServer, clock: ManualClock, caplog: pytest.LogCaptureFixture
) -> None:
    rates = Rates(redis_server.url, clock)
    assert (await hit(rates)).remaining == 2
    redis_server.stop()
    assert [(await hit(rates)).remaining for _ in range(3)] == [2, 1, 0]
    assert (await hit(rates)).retry_after_s is not None
    assert caplog.text.count("counters of calls not reachable") == 1
    redis_server.start()
    clock.advance(AWAY_S)
    assert (await hit(rates)).remaining == 2
    await rates.close()


async def test_nothing_is_limited_where_that_is_off(processes: Processes) -> None:
    rates = processes.new(SystemClock(), enabled=False)
    assert [await rates.hit(WRITES, "ann") for _ in range(3)] == [None] * 3


@pytest.mark.parametrize("url", ["postgres://a/b", "nonsense", ""])
def test_counters_live_in_memory_or_redis(url: str, clock: ManualClock) -> None:
    with pytest.raises(ValueError, match="memory"):
        Rates(url, clock)

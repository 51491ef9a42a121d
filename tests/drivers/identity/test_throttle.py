"""The brake on guessing, in memory and in a real Redis."""

import asyncio
from collections.abc import AsyncIterator
from dataclasses import dataclass, field

import pytest

from domain.kernel.errors import RateLimited, Unauthorized, Unavailable
from drivers.counters import ANSWER_S, AWAY_S, MAX_COUNTERS, CountersInMemory
from drivers.identity.throttle import Throttle, ThrottleSettings
from tests.support.clocks import ManualClock
from tests.support.redis import RedisServer

HERE = "192.0.2.7"


@dataclass(slots=True)
class Throttles:
    """Makes throttles that share one storage, and closes them."""

    url: str
    clock: ManualClock
    made: list[Throttle] = field(default_factory=list)

    def new(self, per_username: int = 3, per_address: int = 5, reports: int = 30) -> Throttle:
        settings = ThrottleSettings(
            storage_url=self.url,
            per_username=per_username,
            per_address=per_address,
            reports=reports,
        )
        self.made.append(Throttle(settings, self.clock))
        return self.made[-1]


@pytest.fixture(params=["memory", "redis"])
async def throttles(request: pytest.FixtureRequest, clock: ManualClock) -> AsyncIterator[Throttles]:
    url = "memory://"
    if request.param == "redis":
        url = request.getfixturevalue("redis_server").url
    found = Throttles(url, clock)
    yield found
    for throttle in found.made:
        await throttle.close()


async def fail(throttle: Throttle, username: str = "ann", address: str = HERE) -> None:
    with pytest.raises(Unauthorized):
        async with throttle.attempt(username, address):
            raise Unauthorized("wrong")


async def succeed(throttle: Throttle, username: str = "ann", address: str = HERE) -> None:
    async with throttle.attempt(username, address):
        pass


async def test_after_so_many_failures_nobody_gets_to_try(throttles: Throttles) -> None:
    throttle = throttles.new()
    for _ in range(3):
        await fail(throttle)
    with pytest.raises(RateLimited) as caught:
        await succeed(throttle)
    assert caught.value.retry_after_s >= 1
    await succeed(throttle, "bob")


async def test_case_is_no_way_around(throttles: Throttles) -> None:
    throttle = throttles.new()
    for name in ("ann", "ANN", "Ann"):
        await fail(throttle, name)
    with pytest.raises(RateLimited):
        await fail(throttle, "aNN")


async def test_another_address_is_no_way_around(throttles: Throttles) -> None:
    throttle = throttles.new()
    for number in range(3):
        await fail(throttle, "ann", f"192.0.2.{number}")
    with pytest.raises(RateLimited):
        await fail(throttle, "ann", "192.0.2.99")


async def test_one_address_may_not_try_many_names(throttles: Throttles) -> None:
    throttle = throttles.new()
    for number in range(5):
        await fail(throttle, f"user-{number}")
    with pytest.raises(RateLimited):
        await fail(throttle, "yet-another")
    await succeed(throttle, "yet-another", "198.51.100.1")


async def test_success_forgets_the_names_failures_but_not_the_address(
    throttles: Throttles,
) -> None:
    throttle = throttles.new(per_username=2, per_address=4)
    await fail(throttle)
    await succeed(throttle)
    await fail(throttle)
    await succeed(throttle)
    await fail(throttle, "x")
    await fail(throttle, "y")
    with pytest.raises(RateLimited):
        await succeed(throttle)


async def test_success_as_often_as_one_likes(throttles: Throttles) -> None:
    throttle = throttles.new()
    for _ in range(20):
        await succeed(throttle)


async def test_trouble_that_is_no_failure_does_not_count(throttles: Throttles) -> None:
    throttle = throttles.new()
    for _ in range(10):
        with pytest.raises(Unavailable):
            async with throttle.attempt("ann", HERE):
                raise Unavailable("the database is away")
    await succeed(throttle)


async def test_all_at_once_is_no_way_around(throttles: Throttles) -> None:
    """The attempts overlap: none has failed yet when the last one begins."""
    throttle = throttles.new()
    begun, failing = 0, asyncio.Event()

    async def guess() -> None:
        nonlocal begun
        async with throttle.attempt("ann", HERE):
            begun += 1
            await failing.wait()
            raise Unauthorized("wrong")

    guesses = [asyncio.create_task(guess()) for _ in range(20)]
    done, _ = await asyncio.wait(guesses, timeout=10, return_when=asyncio.FIRST_COMPLETED)
    assert done
    failing.set()
    answers = await asyncio.gather(*guesses, return_exceptions=True)
    assert begun == 3
    assert sum(isinstance(answer, RateLimited) for answer in answers) == 17


async def test_one_report_a_minute_for_a_name_and_a_bound_for_all(throttles: Throttles) -> None:
    throttle = throttles.new(reports=4)
    assert await throttle.worth_reporting("ann")
    assert not await throttle.worth_reporting("ann")
    assert not await throttle.worth_reporting("ANN")
    reported = [await throttle.worth_reporting(f"user-{number}") for number in range(50)]
    assert sum(reported) == 3


async def test_the_window_ends(clock: ManualClock) -> None:
    throttle = Throttle(ThrottleSettings(per_username=3, window_s=300), clock)
    await fail(throttle)
    clock.advance(100)
    await fail(throttle)
    await fail(throttle)
    with pytest.raises(RateLimited) as caught:
        await fail(throttle)
    assert caught.value.retry_after_s == 200
    clock.advance(199.5)
    with pytest.raises(RateLimited) as caught:
        await succeed(throttle)
    assert caught.value.retry_after_s == 1
    clock.advance(0.5)
    await fail(throttle)


async def test_reports_are_written_again_in_the_next_minute(clock: ManualClock) -> None:
    throttle = Throttle(ThrottleSettings(), clock)
    assert await throttle.worth_reporting("ann")
    clock.advance(59)
    assert not await throttle.worth_reporting("ann")
    clock.advance(1)
    assert await throttle.worth_reporting("ann")


async def test_switched_off_it_holds_nobody(clock: ManualClock) -> None:
    throttle = Throttle(ThrottleSettings(enabled=False, per_username=1), clock)
    for _ in range(10):
        await fail(throttle)
    assert await throttle.worth_reporting("ann")
    assert await throttle.worth_reporting("ann")


async def test_without_an_address_only_the_name_counts(clock: ManualClock) -> None:
    throttle = Throttle(ThrottleSettings(per_username=2, per_address=1), clock)
    await fail(throttle, "ann", "")
    await fail(throttle, "bob", "")
    await fail(throttle, "ann", "")
    with pytest.raises(RateLimited):
        await fail(throttle, "ann", "")


async def test_memory_stays_bounded_under_a_flood_of_names(clock: ManualClock) -> None:
    counters = CountersInMemory(clock)
    for number in range(MAX_COUNTERS + 5_000):
        await counters.incr(f"user-{number}", 300)
    assert await counters.get("user-0") == 0
    assert await counters.reset() == MAX_COUNTERS


async def test_two_processes_count_together_in_redis(
    redis_server: RedisServer, clock: ManualClock
) -> None:
    both = Throttles(redis_server.url, clock)
    one, two = both.new(), both.new()
    await fail(one)
    await fail(two)
    await fail(one)
    with pytest.raises(RateLimited) as caught:
        await fail(two)
    assert caught.value.retry_after_s >= 1
    for throttle in both.made:
        await throttle.close()


async def test_while_redis_is_away_this_process_counts_alone(
    redis_server: RedisServer, clock: ManualClock, caplog: pytest.LogCaptureFixture
) -> None:
    throttle = Throttles(redis_server.url, clock).new()
    await fail(throttle)
    redis_server.stop()
    for _ in range(3):
        await fail(throttle)
    with pytest.raises(RateLimited):
        await fail(throttle)
    assert "not reachable" in caplog.text
    redis_server.start()
    clock.advance(AWAY_S)
    await succeed(throttle)
    await throttle.close()


async def test_a_redis_that_answers_nothing_holds_up_one_step_of_one_login(
    redis_server: RedisServer, clock: ManualClock
) -> None:
    throttle = Throttles(redis_server.url, clock).new()
    await fail(throttle)
    redis_server.freeze()
    async with asyncio.timeout(ANSWER_S * 2):  # several steps each
        for _ in range(5):
            await succeed(throttle)
    redis_server.thaw()
    clock.advance(AWAY_S)
    await fail(throttle)
    await throttle.close()


@pytest.mark.parametrize("url", ["", "memcached://h", "file:///tmp/x", "redis:/"])
def test_a_storage_that_it_cannot_use_stops_the_start(url: str, clock: ManualClock) -> None:
    with pytest.raises(ValueError, match="memory:// or redis://"):
        Throttle(ThrottleSettings(storage_url=url), clock)

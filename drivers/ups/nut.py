"""A UPS behind a Network UPS Tools server (upsd).

upsd pushes nothing, so it is polled. It takes any password in silence and asks for one only where
something is to be done: a wrong one shows at the first self-test, never at a reading.
"""

import asyncio
from collections.abc import Awaitable, Callable, Iterable, Mapping
from math import isfinite
from typing import Final, TypeVar

from aionut import AIONUTClient, NUTCommandError, NUTError, NUTLoginError

from domain.kernel.clock import Clock
from drivers.link import PeerLost
from drivers.patience import patient
from drivers.ups.port import SelfTest, SelfTestOutcome, UpsConfig, UpsFlag, UpsReading

T = TypeVar("T")

# The words of `ups.status` (NUT developer guide, "Status data").
_FLAGS: Final[Mapping[str, UpsFlag]] = {
    "OL": UpsFlag.ON_LINE,
    "OB": UpsFlag.ON_BATTERY,
    "LB": UpsFlag.LOW_BATTERY,
    "RB": UpsFlag.REPLACE_BATTERY,
    "CHRG": UpsFlag.CHARGING,
    "DISCHRG": UpsFlag.DISCHARGING,
    "BYPASS": UpsFlag.BYPASS,
    "CAL": UpsFlag.CALIBRATING,
    "OFF": UpsFlag.OFF,
    "OVER": UpsFlag.OVERLOAD,
    "TRIM": UpsFlag.TRIM,
    "BOOST": UpsFlag.BOOST,
    "FSD": UpsFlag.FORCED_SHUTDOWN,
    "ALARM": UpsFlag.ALARM,
    "TEST": UpsFlag.TEST,
}
# In this order; a deep test empties the battery and is nobody's idea of a check.
_TESTS: Final = ("test.battery.start.quick", "test.battery.start")
# Each driver words `ups.test.result` in its own way; the first part that is found decides.
_RESULTS: Final = (
    ("progress", SelfTestOutcome.RUNNING),
    ("abort", SelfTestOutcome.ABORTED),
    ("warning", SelfTestOutcome.WARNING),
    ("error", SelfTestOutcome.FAILED),
    ("fail", SelfTestOutcome.FAILED),
    ("pass", SelfTestOutcome.PASSED),
)
_REASONS: Final[Mapping[str, str]] = {
    "DATA-STALE": "the NUT server has lost the UPS (DATA-STALE)",
    "DRIVER-NOT-CONNECTED": "the NUT server's driver for the UPS does not run",
    "UNKNOWN-UPS": "the NUT server knows no UPS of this name",
}


class NutSource:
    """`UpsSource` over one TCP connection, dialled when needed."""

    def __init__(self, config: UpsConfig, clock: Clock) -> None:
        self._config = config
        self._clock = clock
        self._client = _client(config)
        self._turn = asyncio.Lock()

    async def read(self) -> UpsReading:
        variables = await self._known(lambda: self._client.list_vars(self._config.ups))
        return reading_of(variables, self._clock.now_us(), self._config.low_battery_percent)

    async def start_self_test(self) -> SelfTest | None:
        ups = self._config.ups
        offered = await self._known(lambda: self._client.list_commands(ups))
        command = next((test for test in _TESTS if test in offered), None)
        if command is None:
            return SelfTest(SelfTestOutcome.UNSUPPORTED, "the UPS lists no battery self-test")
        try:
            await self._ask(lambda: self._client.run_command(ups, command))
        except (NUTLoginError, NUTCommandError) as refused:
            return SelfTest(SelfTestOutcome.REFUSED, _error_word(refused))
        return None

    async def hang_up(self) -> None:
        self._client.disconnect()

    async def aclose(self) -> None:
        self._client.disconnect()

    async def _known(self, question: Callable[[], Awaitable[T]]) -> T:
        """For questions that upsd refuses only while it cannot answer them at all."""
        try:
            return await self._ask(question)
        except (NUTLoginError, NUTCommandError) as refused:
            word = _error_word(refused)
            raise PeerLost(_REASONS.get(word, f"refused by the NUT server: {word}")) from None

    async def _ask(self, question: Callable[[], Awaitable[T]]) -> T:
        """Raises NUTLoginError and NUTCommandError for a refusal, PeerLost for no answer."""
        async with self._turn:
            try:
                async with patient(self._config.timeout_s):
                    return await self._in_step(question)
            except (NUTLoginError, NUTCommandError):
                raise
            except TimeoutError:
                raise PeerLost(f"no answer within {self._config.timeout_s:g} s") from None
            except NUTError as error:
                raise PeerLost(str(error) or type(error).__name__) from None
            # The client's own words for an answer that is garbage, cut short or endless.
            except (IndexError, EOFError, asyncio.LimitOverrunError):
                raise PeerLost("what answers is no NUT server") from None

    async def _in_step(self, question: Callable[[], Awaitable[T]]) -> T:
        """Whatever ends a question half way (also a caller that no longer waits) ends the
        connection, so that its late answer is nobody's."""
        answered = False
        try:
            answer = await question()
            answered = True
        except NUTCommandError:
            answered = True
            raise
        finally:
            if not answered:
                self._client.disconnect()
        return answer


def reading_of(variables: Mapping[str, str], at_us: int, low_battery_percent: int) -> UpsReading:
    """Raises PeerLost where there is no `ups.status`: nothing else tells of the mains."""
    status = variables.get("ups.status", "").strip()
    if not status:
        raise PeerLost("the NUT server tells no ups.status")
    flags = flags_of(status.split())
    percent = _number(variables.get("battery.charge"))
    runtime_s = _number(variables.get("battery.runtime"))
    forced = UpsFlag.FORCED_SHUTDOWN in flags
    return UpsReading(
        at_us=at_us,
        on_battery=forced or UpsFlag.ON_BATTERY in flags,
        low_battery=forced
        or UpsFlag.LOW_BATTERY in flags
        or (percent is not None and percent <= low_battery_percent),
        battery_percent=percent,
        runtime_s=None if runtime_s is None else round(runtime_s),
        input_voltage=_number(variables.get("input.voltage")),
        load_percent=_number(variables.get("ups.load")),
        flags=flags,
        status=status,
        model=variables.get("ups.model") or variables.get("device.model") or None,
        last_test=self_test_of(variables.get("ups.test.result")),
    )


def flags_of(words: Iterable[str]) -> tuple[UpsFlag, ...]:
    """Words that we do not know stay in `status` alone."""
    return tuple(dict.fromkeys(_FLAGS[word] for word in words if word in _FLAGS))


def self_test_of(result: str | None) -> SelfTest | None:
    """None where no test was ever run, or none can be."""
    folded = (result or "").casefold()
    if result is None or not folded.strip() or folded.startswith("no test"):
        return None
    outcome = next((o for part, o in _RESULTS if part in folded), SelfTestOutcome.UNKNOWN)
    return SelfTest(outcome, result)


class _Client(AIONUTClient):
    """The library's own forgets a connection whose log-in failed half way, and leaves it open."""

    async def _connect(self) -> None:
        try:
            await super()._connect()
        finally:
            logged_in, self._connected = self._connected, True
            if not logged_in:
                self.disconnect()
            self._connected = logged_in


def _client(config: UpsConfig) -> AIONUTClient:
    password = config.password
    return _Client(
        config.host,
        config.peer_port,
        None if config.username is None else quoted(config.username),
        None if password is None else quoted(password.get_secret_value()),
        # Longer than `_ask` waits: the client would repeat a question (and a command) by itself.
        timeout=2 * config.timeout_s,
    )


def quoted(word: str) -> str:
    """As upsd's parser wants a word that holds blanks, quotes or other signs of its own."""
    if word.replace("_", "").replace("-", "").isalnum():
        return word
    escaped = word.replace("\\", "\\\\").replace('"', '\\"')
    return f'"{escaped}"'


def _error_word(refused: NUTError) -> str:
    """`DATA-STALE` of `Error running: LIST VAR cab: ERR DATA-STALE`."""
    return str(refused).rpartition("ERR ")[2].strip()


def _number(text: str | None) -> float | None:
    try:
        value = float(text) if text is not None else None
    except ValueError:
        return None
    return value if value is not None and isfinite(value) else None

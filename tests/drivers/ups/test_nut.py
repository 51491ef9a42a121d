"""What only a NUT server does."""

import asyncio
from contextlib import suppress
from typing import Any

import pytest

from drivers.link import LinkState, PeerLost
from drivers.ups.nut import flags_of, quoted, reading_of, self_test_of
from drivers.ups.nut_simulator import NutSimulator, NutSimulatorConfig, NutUser
from drivers.ups.port import SelfTestOutcome, UpsFlag
from tests.support.ups import NUT, rig
from tests.support.waiting import DEADLINE_S, eventually


@pytest.mark.parametrize("how", ["cut", "reset"])
async def test_connection_lost_between_two_polls_is_no_loss(how: str) -> None:
    """The server still answers: a new connection is nobody's news."""
    async with rig(NUT) as line:
        before = line.nut.connections
        await (line.nut.cut() if how == "cut" else line.nut.reset())
        await eventually(lambda: line.nut.connections > before)
        await line.sink.more(3)
        assert LinkState.LOST not in line.states()


async def test_half_open_connection() -> None:
    async with rig(NUT, **NUT.hasty) as line:
        before = line.nut.connections
        await line.nut.abandon()
        await eventually(lambda: line.nut.connections > before)
        await line.sink.more(2)


async def test_flood_of_unasked_lines_is_a_loss_and_ends() -> None:
    async with rig(NUT) as line:
        lost = line.task.expect(LinkState.LOST)
        while not lost.done():
            await line.nut.send_raw(b"x" * 65536)
            await asyncio.wait({lost}, timeout=0.005)
        back = line.task.expect(LinkState.CONNECTED)
        await asyncio.wait_for(back, DEADLINE_S)
        await line.sink.more()


@pytest.mark.parametrize(
    ("fault", "words"),
    [("DATA-STALE", "has lost the UPS"), ("DRIVER-NOT-CONNECTED", "driver"), ("ODD", "ODD")],
)
async def test_server_without_its_ups_is_a_loss(fault: str, words: str) -> None:
    async with rig(NUT) as line:
        lost = line.task.expect(LinkState.LOST)
        line.nut.fault = fault
        assert words in str((await asyncio.wait_for(lost, DEADLINE_S)).reason)
        line.nut.fault = None
        await line.state(LinkState.CONNECTED)


async def test_ups_that_the_server_does_not_know() -> None:
    async with rig(NUT, connected=False, ups="another") as line:
        await line.state(LinkState.LOST)
        assert "no UPS of this name" in str(line.task.snapshot().last_error)
        assert line.sink.readings == []


@pytest.mark.parametrize(
    ("settings", "word"),
    [
        ({"password": "wrong"}, "ACCESS-DENIED"),
        ({"username": "nobody"}, "ACCESS-DENIED"),
        ({"username": None, "password": None}, "USERNAME-REQUIRED"),
        ({"password": None}, "PASSWORD-REQUIRED"),
    ],
)
async def test_wrong_password_shows_at_the_self_test_only(
    settings: dict[str, Any], word: str
) -> None:
    async with rig(NUT, **settings) as line:
        outcome = await line.driver.test()
        assert (outcome.outcome, outcome.detail) == (SelfTestOutcome.REFUSED, word)
        assert line.nut.commands_run == []
        await line.sink.more(2)
        assert LinkState.LOST not in line.states()


async def test_ups_that_lists_no_self_test() -> None:
    async with rig(NUT, simulated={"commands": ("test.battery.start.deep",)}) as line:
        assert (await line.driver.test()).outcome is SelfTestOutcome.UNSUPPORTED
        assert line.nut.commands_run == []


async def test_self_test_is_refused_on_battery() -> None:
    async with rig(NUT) as line:
        line.simulator.ups.outage()
        await line.sink.shows(lambda r: r.on_battery)
        outcome = await line.driver.test()
        assert (outcome.outcome, outcome.detail) == (SelfTestOutcome.REFUSED, "INSTCMD-FAILED")


async def test_forced_shutdown_counts_as_power_that_goes() -> None:
    async with rig(NUT) as line:
        line.simulator.ups.forced_shutdown = True
        reading = await line.sink.shows(lambda r: UpsFlag.FORCED_SHUTDOWN in r.flags)
        assert (reading.on_battery, reading.low_battery) == (True, True)


async def test_server_that_hangs_within_the_log_in_leaves_nothing_open() -> None:
    async with rig(NUT, **NUT.hasty) as line:
        line.nut.stall()
        await line.state(LinkState.LOST)
        await eventually(lambda: line.task.snapshot().attempts > 3)
        # Each given-up connection was closed: the simulator sees them end.
        await line.task.stop()
        line.nut.resume()
        await eventually(lambda: line.nut.peer_count == 0)


def test_status_words() -> None:
    assert flags_of(["OL", "CHRG", "LB", "RB"]) == (
        UpsFlag.ON_LINE,
        UpsFlag.CHARGING,
        UpsFlag.LOW_BATTERY,
        UpsFlag.REPLACE_BATTERY,
    )
    assert flags_of(["HB", "OB", "OB", ""]) == (UpsFlag.ON_BATTERY,)


@pytest.mark.parametrize(
    ("result", "outcome"),
    [
        ("In progress", SelfTestOutcome.RUNNING),
        ("Done and passed", SelfTestOutcome.PASSED),
        ("Battery test: Passed", SelfTestOutcome.PASSED),
        ("Done and warning", SelfTestOutcome.WARNING),
        ("Done and error", SelfTestOutcome.FAILED),
        ("FAILED - weak battery", SelfTestOutcome.FAILED),
        ("Aborted", SelfTestOutcome.ABORTED),
        ("OK?", SelfTestOutcome.UNKNOWN),
    ],
)
def test_words_of_a_test_result(result: str, outcome: SelfTestOutcome) -> None:
    told = self_test_of(result)
    assert told is not None
    assert (told.outcome, told.detail) == (outcome, result)


@pytest.mark.parametrize("result", [None, "", "No test initiated"])
def test_no_test_was_ever_run(result: str | None) -> None:
    assert self_test_of(result) is None


def test_numbers_that_are_none() -> None:
    odd = {"ups.status": "OL", "battery.charge": "n/a", "battery.runtime": "nan", "ups.load": ""}
    reading = reading_of(odd, 1, 20)
    assert (reading.battery_percent, reading.runtime_s, reading.load_percent) == (None, None, None)
    assert not reading.low_battery
    with pytest.raises(PeerLost):
        reading_of({"battery.charge": "100"}, 1, 20)


def test_words_for_upsd() -> None:
    assert quoted("secret-1_x") == "secret-1_x"
    assert quoted('a "b" \\') == '"a \\"b\\" \\\\"'


async def talk(simulator: NutSimulator, *lines: str) -> list[str]:
    """The first line of each answer."""
    reader, writer = await asyncio.open_connection("127.0.0.1", simulator.port)
    answers = []
    try:
        for line in lines:
            writer.write(f"{line}\n".encode())
            answers.append((await reader.readline()).decode().rstrip("\n"))
    finally:
        writer.close()
        with suppress(OSError):
            await writer.wait_closed()
    return answers


async def test_simulator_refuses_in_the_order_of_upsd() -> None:
    """As recorded from upsd 2.8.0."""
    users = {"mon": NutUser(password="secret", commands=False, sets=False)}
    async with NutSimulator(NutSimulatorConfig(name="cab", users=users)) as nut:
        assert await talk(
            nut, "FOO", "LIST", "LIST VAR", "LIST VAR x", "GET VAR cab", "STARTTLS"
        ) == [
            "ERR UNKNOWN-COMMAND",
            "ERR INVALID-ARGUMENT",
            "ERR INVALID-ARGUMENT",
            "ERR UNKNOWN-UPS",
            "ERR INVALID-ARGUMENT",
            "ERR FEATURE-NOT-CONFIGURED",
        ]
        assert await talk(
            nut,
            "INSTCMD cab test.battery.stop",
            "USERNAME mon",
            "INSTCMD cab test.battery.stop",
            "PASSWORD secret",
            "INSTCMD cab load.off",
            "INSTCMD nope load.off",
            "INSTCMD cab test.battery.stop",
            "SET VAR cab battery.charge 5",
            "LOGIN cab",
            "LOGIN cab",
            "USERNAME x",
            "PASSWORD y",
            "LOGOUT",
        ) == [
            "ERR USERNAME-REQUIRED",
            "OK",
            "ERR PASSWORD-REQUIRED",
            "OK",
            "ERR CMD-NOT-SUPPORTED",
            "ERR UNKNOWN-UPS",
            "ERR ACCESS-DENIED",
            "ERR ACCESS-DENIED",
            "OK",
            "ERR ALREADY-LOGGED-IN",
            "ERR ALREADY-SET-USERNAME",
            "ERR ALREADY-SET-PASSWORD",
            "OK Goodbye",
        ]
        assert nut.commands_run == []
        assert nut.ups.battery_percent == 100
        wrong = ("USERNAME mon", "PASSWORD wrong", "LOGIN cab", "GET VAR cab ups.status", "VER")
        assert (await talk(nut, *wrong))[:4] == [
            "OK",
            "OK",
            "ERR ACCESS-DENIED",
            'VAR cab ups.status "OL"',
        ]


async def test_plug_is_pulled_from_another_process_s_connection() -> None:
    users = {"op": NutUser(password="pw")}
    async with NutSimulator(NutSimulatorConfig(name="cab", users=users)) as nut:
        log_in = ("USERNAME op", "PASSWORD pw")
        answers = await talk(
            nut,
            *log_in,
            "INSTCMD cab test.failure.start",
            "SET VAR cab battery.charge 12",
            "GET VAR cab ups.status",
            "SET VAR cab ups.model x",
            "SET VAR cab nope x",
            "SET VAR cab battery.charge x",
            "INSTCMD cab test.failure.stop",
        )
        assert answers[2:] == [
            "OK",
            "OK",
            'VAR cab ups.status "OB DISCHRG LB"',
            "ERR READONLY",
            "ERR VAR-NOT-SUPPORTED",
            "ERR INVALID-VALUE",
            "OK",
        ]
        assert not nut.ups.on_battery

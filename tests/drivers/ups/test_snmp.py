"""What only an SNMP agent does."""

import asyncio
from typing import Any

import pytest

from drivers.link import LinkState, PeerLost
from drivers.ups.mib import UpsObject, reading_of
from drivers.ups.port import SelfTestOutcome, UpsFlag
from tests.support.ups import V2C, V3, V3_USER, Way, rig
from tests.support.waiting import eventually


@pytest.mark.parametrize(
    "wrong",
    [
        {"auth_key": "not the right one"},
        {"privacy_key": "not the right one"},
        {"username": "somebody"},
        {"auth_protocol": "SHA256"},
    ],
    ids=str,
)
async def test_refused_user_is_a_wrong_configuration(wrong: dict[str, str]) -> None:
    async with rig(V3, connected=False, snmp={**V3_USER, **wrong}) as line:
        await line.state(LinkState.FAULTED)
        assert "ups.snmp" in str(line.task.snapshot().last_error)
        assert line.task.snapshot().attempts == 1
        assert line.sink.readings == []


async def test_wrong_community_is_silence() -> None:
    async with rig(V2C, connected=False, snmp={"community": "wrong"}, timeout_s=0.3) as line:
        await line.state(LinkState.LOST)
        assert "wrong community" in str(line.task.snapshot().last_error)
        await eventually(lambda: line.task.snapshot().attempts > 2)


@pytest.mark.parametrize(
    "protocols",
    [
        {"auth_protocol": "MD5", "privacy_protocol": "DES"},
        {"auth_protocol": "SHA512", "privacy_protocol": "AES256"},
        {"privacy_key": None},
        {"privacy_key": None, "auth_key": None},
    ],
    ids=str,
)
async def test_ways_of_being_a_user(protocols: dict[str, Any]) -> None:
    snmp = {**V3_USER, **protocols}
    allowed = Way("snmp-3", {**V3.settings, "snmp": snmp}, V3.haste_s)
    async with rig(allowed) as line:
        assert line.sink.last.model == "Simulated UPS 1500"


async def test_every_answer_twice_is_read_once() -> None:
    async with rig(V2C) as line:
        line.simulator.copies = 50  # type: ignore[union-attr]
        await line.sink.more(4)
        line.simulator.ups.outage()
        await line.sink.shows(lambda r: r.on_battery)
        assert LinkState.LOST not in line.states()


async def test_agent_that_restarts_with_a_new_identity() -> None:
    async with rig(V3, **V3.hasty) as line:
        await line.simulator.refuse()
        await line.state(LinkState.LOST)
        await line.simulator.accept()
        await line.state(LinkState.CONNECTED)
        await line.sink.more(2)


async def test_self_test_needs_the_write_community() -> None:
    allowed = Way(
        "snmp-2c",
        {**V2C.settings, "snmp": {"community": "cabinet", "write_community": "keys"}},
        V2C.haste_s,
    )
    async with rig(allowed, snmp={"community": "cabinet"}) as line:
        refused = await line.driver.test()
        assert refused.outcome is SelfTestOutcome.REFUSED
        assert line.simulator.ups.test_state == "NEVER"
    async with rig(allowed) as line:
        assert (await line.driver.test()).outcome is SelfTestOutcome.PASSED


async def test_agent_that_takes_no_set() -> None:
    async with rig(V2C, simulated={"read_only": True}) as line:
        refused = await line.driver.test()
        assert (refused.outcome, refused.detail) == (SelfTestOutcome.REFUSED, "notWritable")


async def test_card_without_tests_or_without_their_lock() -> None:
    async with rig(V2C, simulated={"hidden": (UpsObject.TEST_ID,)}) as line:
        assert (await line.driver.test()).outcome is SelfTestOutcome.UNSUPPORTED
    async with rig(V2C, simulated={"hidden": (UpsObject.TEST_LOCK,)}) as line:
        assert (await line.driver.test()).outcome is SelfTestOutcome.PASSED


async def test_card_that_tells_little() -> None:
    hidden = tuple(set(UpsObject) - {UpsObject.OUTPUT_SOURCE})
    async with rig(V2C, simulated={"hidden": hidden}) as line:
        reading = line.sink.last
        assert (reading.on_battery, reading.battery_percent, reading.model) == (False, None, None)
        assert "UPS at" in str(line.task.snapshot().peer)


async def test_agent_without_the_mib() -> None:
    async with rig(V2C, simulated={"hidden": tuple(UpsObject)}, connected=False) as line:
        await line.state(LinkState.LOST)
        assert "no UPS-MIB" in str(line.task.snapshot().last_error)


async def test_two_at_once_are_asked_in_turn() -> None:
    async with rig(V2C, test_wait_s=5) as line:
        outcome, _ = await asyncio.gather(line.driver.test(), line.sink.more(3))
        assert outcome.outcome is SelfTestOutcome.PASSED


@pytest.mark.parametrize(
    ("source", "flag"),
    [(2, UpsFlag.OFF), (4, UpsFlag.BYPASS), (5, UpsFlag.ON_BATTERY), (6, UpsFlag.BOOST)],
)
def test_output_sources(source: int, flag: UpsFlag) -> None:
    reading = reading_of({UpsObject.OUTPUT_SOURCE: source, UpsObject.BATTERY_STATUS: 4}, 1, 20)
    assert {flag, UpsFlag.LOW_BATTERY} <= set(reading.flags)
    assert reading.low_battery
    assert reading.on_battery is (source == 5)


@pytest.mark.parametrize("source", [0, 8, "normal"])
def test_output_source_that_is_none(source: int | str) -> None:
    with pytest.raises(PeerLost):
        reading_of({UpsObject.OUTPUT_SOURCE: source}, 1, 20)


def test_unknown_numbers_are_none() -> None:
    reading = reading_of({UpsObject.OUTPUT_SOURCE: 3, UpsObject.CHARGE_REMAINING: -1}, 1, 20)
    assert (reading.battery_percent, reading.low_battery) == (None, False)

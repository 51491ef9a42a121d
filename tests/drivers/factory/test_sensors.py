"""Simulated sensors are peers like any other: a real factory, real sockets, tokens of their own."""

from typing import Any

import pytest

from domain.fleet.models import DeviceStatus
from domain.kernel.errors import ValidationFailed
from drivers.factory.simulation.sensors import SensorCredentials, Signal, simulated_sensors
from oktograph.demo.sensors import DEVICES, SIGNALS, prepared_sensors
from tests.support.clients import Client
from tests.support.factory import FactoryServer
from tests.support.proxy import Trouble, proxied
from tests.support.simulated import url_of
from tests.support.valtronics import DEVICES as PATH
from tests.support.valtronics import data
from tests.support.waiting import eventually, until

SIGNAL = Signal("temperature", 20.0, 2.0)
REGISTER = """mutation ($input: RegisterDeviceInput!) { registerDevice(input: $input) { id } }"""
TOKEN = """mutation ($id: ID!) { issueDeviceToken(deviceId: $id) { token } }"""
SHOWN = """query ($id: String!) { device(identifier: $id) { status lastHeartbeatAt
  telemetrySeries { metric points latest { value } } } }"""


async def known(client: Client, identifier: str, word: str = "healthy") -> SensorCredentials:
    await client.ask(REGISTER, input={"identifier": identifier, "kind": "SENSOR"})
    token = (await client.ask(TOKEN, id=identifier))["issueDeviceToken"]["token"]
    return SensorCredentials(identifier, token, (SIGNAL,), word)


async def shown(client: Client, identifier: str) -> Any:
    return (await client.ask(SHOWN, id=identifier))["device"]


def test_a_signal_swings_around_its_mean() -> None:
    signal = Signal("t", 20.0, 2.0, period_s=4)
    assert [signal.at(second * 1_000_000, 0) for second in range(4)] == [20, 22, 20, 18]
    assert signal.at(0, 1) == 20.2


async def test_it_tells_what_it_measures_and_how_it_is(sqlite_factory: FactoryServer) -> None:
    manager = await sqlite_factory.logged_in("manager")
    sensors = [await known(manager, "good"), await known(manager, "bad", "degraded")]
    async with simulated_sensors(url_of(sqlite_factory), sensors, 0.05) as running:
        await eventually(lambda: all(one.reported >= 3 for one in running))
    for sensor, status in (("good", "ONLINE"), ("bad", "WARNING")):
        found = await shown(manager, sensor)
        assert found["status"] == status
        [series] = found["telemetrySeries"]
        assert (series["metric"], series["points"] >= 3) == ("temperature", True)
        assert abs(series["latest"]["value"] - SIGNAL.mean) <= SIGNAL.swing * 1.1
    assert [one.missed for one in running] == [0, 0]


async def test_a_factory_that_is_away_and_comes_back(sqlite_factory: FactoryServer) -> None:
    """One try in its turn, no more; then it goes on."""
    manager = await sqlite_factory.logged_in("manager")
    sensors = [await known(manager, "a")]
    async with (
        proxied(sqlite_factory.port) as proxy,
        simulated_sensors(proxy.url, sensors, 0.05) as [sensor],
    ):
        await eventually(lambda: sensor.reported > 0)
        proxy.set(Trouble.REFUSE)
        proxy.cut()
        await eventually(lambda: sensor.missed >= 2)
        proxy.set(Trouble.NONE)
        before = sensor.reported
        await eventually(lambda: sensor.reported > before)


async def test_a_sensor_that_is_refused_holds_up_no_other(sqlite_factory: FactoryServer) -> None:
    manager = await sqlite_factory.logged_in("manager")
    good = await known(manager, "good")
    bad = SensorCredentials("good", "a.b.c", (SIGNAL,))
    async with simulated_sensors(url_of(sqlite_factory), [bad, good], 0.05) as [one, other]:
        await eventually(lambda: one.missed >= 3 and other.reported >= 3)
    assert (one.reported, other.missed) == (0, 0)


async def test_an_address_that_is_none() -> None:
    with pytest.raises(ValidationFailed):
        async with simulated_sensors("nonsense", []):
            pass


async def test_the_demos_devices(sqlite_factory: FactoryServer) -> None:
    """Made once, with a day behind them; alive while their sensors run."""
    first = await prepared_sensors(sqlite_factory.runtime)
    assert {one.identifier for one in first} == set(SIGNALS)
    again = await prepared_sensors(sqlite_factory.runtime)
    operator = await sqlite_factory.logged_in("operator")
    stats = data(await operator.http.get(PATH + "stats"))
    assert stats["total_devices"] == len(DEVICES)
    assert stats["devices_by_location"] == {"Zone A": 2, "Zone B": 2, "Zone C": 1}
    assert stats["data_points_24h"] == 5 * 143  # the first are older by now
    shown = data(await operator.http.get(PATH + "1"))
    assert shown["device_id"] == "TEMP-001"
    assert shown["configuration"]["alert_threshold"] == 25.0
    assert shown["alert_summary"] == {"total_alerts": 2, "active_alerts": 1, "critical_alerts": 0}

    async def statuses() -> dict[str, str]:
        items = data(await operator.http.get(PATH))["items"]
        return {one["device_id"]: one["status"] for one in items}

    async def are_alive() -> bool:
        found = await statuses()
        return all(found[name] in ("online", "warning") for name in SIGNALS)

    async with simulated_sensors(url_of(sqlite_factory), again, 0.2):
        await until(are_alive)
    found = await statuses()
    assert found["TEMP-002"] == DeviceStatus.WARNING.lower()
    assert found["MON-001"] == DeviceStatus.MAINTENANCE.lower()

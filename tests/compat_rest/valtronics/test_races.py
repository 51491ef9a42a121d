"""Several who ask at once, on both databases."""

import asyncio

import pytest

from tests.support.clients import Client, Json
from tests.support.factory import FactoryServer
from tests.support.valtronics import DEVICES, create, data, error, measure

MANY = 8


@pytest.fixture
def factory_settings() -> Json:
    return {"rate_limits": False}


@pytest.fixture
async def anybody(each_factory: FactoryServer) -> Client:
    return await each_factory.logged_in("manager")


async def test_a_key_is_given_once(anybody: Client) -> None:
    body = {"name": "a", "device_id": "a", "device_type": "sensor"}
    answers = await asyncio.gather(*(anybody.http.post(DEVICES, json=body) for _ in range(MANY)))
    made = [answer for answer in answers if answer.status_code == 200]
    assert len(made) == 1
    for answer in answers:
        if answer not in made:
            assert error(answer, 400)["details"]["issue"] == "Device ID already exists"
    assert data(await anybody.http.get(DEVICES))["pagination"]["total"] == 1


async def test_every_configuration_is_a_version(anybody: Client) -> None:
    await create(anybody)
    path = DEVICES + "1/configuration"
    bodies = [{"configuration": {f"k{place}": place}} for place in range(MANY)]
    answers = await asyncio.gather(*(anybody.http.put(path, json=body) for body in bodies))
    versions = sorted(data(answer)["metadata"]["config_version"] for answer in answers)
    assert versions == [f"1.{place + 1}" for place in range(MANY)]
    found = data(await anybody.http.get(path))
    assert found["configuration"] == {f"k{place}": place for place in range(MANY)}
    assert found["metadata"]["config_version"] == "1.8"


async def test_points_from_many_sides_are_all_counted(anybody: Client) -> None:
    """The same ones too, and once."""
    await create(anybody)
    await create(anybody, "TEMP-002")
    same = [
        {"metric": metric, "value": 1, "measuredAt": f"2026-01-01T00:00:{place:02}Z"}
        for place in range(10)
        for metric in ("t", "h")
    ]
    await asyncio.gather(
        *(measure(anybody, f"TEMP-00{1 + place % 2}", *same) for place in range(MANY)),
        *(
            measure(anybody, "TEMP-001", {"metric": f"m{place}", "value": place})
            for place in range(MANY)
        ),
    )
    one, two = [data(await anybody.http.get(f"{DEVICES}{number}")) for number in (1, 2)]
    assert one["telemetry_summary"]["total_data_points"] == len(same) + MANY
    assert two["telemetry_summary"]["total_data_points"] == len(same)
    assert one["telemetry_summary"]["last_24h_points"] == MANY


async def test_a_device_that_goes_meanwhile(anybody: Client) -> None:
    """Whoever comes too late hears that it is not there."""
    await create(anybody)
    change = anybody.http.put(DEVICES + "1", json={"name": "x", "status": "error"})
    removals = [anybody.http.delete(DEVICES + "1") for _ in range(3)]
    configured = anybody.http.put(DEVICES + "1/configuration", json={"configuration": {"a": 1}})
    answers = await asyncio.gather(change, *removals, configured)
    assert {answer.status_code for answer in answers} <= {200, 404}
    assert [answer.status_code for answer in answers[1:4]].count(200) == 1
    for answer in answers:
        if answer.status_code == 404:
            assert error(answer, 404)["message"] == "Device not found"
    error(await anybody.http.get(DEVICES + "1"), 404)

"""Several who ask at once, on both databases."""

import asyncio

import pytest

from tests.support.clients import Client
from tests.support.factory import FactoryServer
from tests.support.otao import KETTLE, create, endpoint, refused, report, saved_filter, shown

MANY = 8


@pytest.fixture
async def anybody(each_factory: FactoryServer) -> Client:
    return await each_factory.logged_in("admin")


async def test_a_version_is_made_once(anybody: Client) -> None:
    """Of an application that is not there either."""
    bodies = [
        {"rolloutStrategy": "general", "metadata": place, "upgradableFrom": ["0.1.0"]}
        for place in range(MANY)
    ]
    answers = await asyncio.gather(
        *(anybody.http.post(f"{KETTLE}/1.0.0", json=body) for body in bodies)
    )
    made = [place for place, answer in enumerate(answers) if answer.status_code == 201]
    assert len(made) == 1
    for place, answer in enumerate(answers):
        if place not in made:
            assert refused(answer, 400) == "This version exists already"
    [found] = shown(await anybody.http.get(KETTLE))
    assert (found["metadata"], found["upgradableFrom"]) == (made[0], ["0.1.0"])


async def test_changes_at_once_do_not_mix(anybody: Client) -> None:
    await create(anybody, "1.0.0")
    bodies = [
        {
            "rolloutStrategy": "targeted" if place % 2 else "general",
            "metadata": place,
            "upgradableFrom": [f"0.{place}.0", f"0.{place}.1"],
            "filters": [{"filterId": f"f{place}"}, {"filterId": f"g{place}"}],
        }
        for place in range(MANY)
    ]
    answers = await asyncio.gather(
        *(anybody.http.put(f"{KETTLE}/1.0.0", json=body) for body in bodies)
    )
    assert {answer.status_code for answer in answers} == {204}
    found = shown(await anybody.http.get(f"{KETTLE}/1.0.0"))
    place = found["metadata"]
    assert {key: found[key] for key in bodies[place]} == bodies[place]


async def test_a_version_that_goes_meanwhile(anybody: Client) -> None:
    """Whoever comes too late hears that it is not there."""
    await create(anybody, "1.0.0")
    change = {"rolloutStrategy": "suspended", "upgradableFrom": ["0.1.0"]}
    changes = [anybody.http.put(f"{KETTLE}/1.0.0", json=change) for _ in range(3)]
    removals = [anybody.http.delete(f"{KETTLE}/1.0.0") for _ in range(3)]
    answers = await asyncio.gather(*changes, *removals)
    assert {answer.status_code for answer in answers} <= {204, 404}
    assert [answer.status_code for answer in answers[3:]].count(204) == 1
    refused(await anybody.http.get(f"{KETTLE}/1.0.0"), 404)


async def test_a_filter_is_made_once(anybody: Client) -> None:
    found = await asyncio.gather(
        *(saved_filter(anybody, "pilots") for _ in range(MANY)), return_exceptions=True
    )
    assert len([one for one in found if isinstance(one, dict)]) == 1
    listed = await anybody.ask("{ endpointFilters { totalCount } }")
    assert listed["endpointFilters"]["totalCount"] == 1


async def test_the_last_report_of_many_stands(each_factory: FactoryServer, anybody: Client) -> None:
    kettle = await endpoint(each_factory, anybody)
    await asyncio.gather(*(report(kettle, f"1.0.{place}") for place in range(MANY)))
    query = "query ($id: ID!) { installedSoftware(deviceId: $id) { version } }"
    [found] = (await anybody.ask(query, id="7d5dda9b-c9f6-427d-91ea-9891a4f62cbb"))[
        "installedSoftware"
    ]
    assert found["version"] in {f"1.0.{place}" for place in range(MANY)}

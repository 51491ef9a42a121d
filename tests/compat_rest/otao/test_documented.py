"""Every example of the documents, word for word."""

from typing import Any

import pytest

from tests.support.clients import Client
from tests.support.factory import FactoryServer
from tests.support.otao import (
    API,
    ENDPOINT,
    FILTERS,
    KETTLE,
    NEW,
    create,
    done,
    endpoint,
    refused,
    report,
    shown,
    upload,
)

ONE = {
    "appName": "smart-kettle",
    "version": "1.0.2",
    "specification": {"link": "ftp://software-repository"},
    "metadata": "Ubuntu 17.10",
    "upgradableFrom": ["1.0.0", "1.0.1"],
    "filename": "sketch.bin",
    "rolloutStrategy": "targeted",
    "filters": FILTERS,
}
OTHER = {
    "appName": "smart-kettle",
    "version": "1.2.3",
    "specification": {"link": "ftp://software-repository"},
    "metadata": "Ubuntu 16.04",
    "upgradableFrom": ["1.2.2"],
    "rolloutStrategy": "general",
    "filters": [],
}
CHANGES = {name: value for name, value in NEW.items() if name != "specification"}


def told(software: dict[str, Any]) -> dict[str, Any]:
    """What creates it, but for its file."""
    return {key: software[key] for key in software.keys() - {"appName", "version", "filename"}}


@pytest.fixture
async def both(each_factory: FactoryServer) -> Client:
    """The two documented versions; the later one was made first."""
    client = await each_factory.logged_in("admin")
    done(await client.http.post(f"{KETTLE}/1.2.3", json=told(OTHER)), 201)
    done(await client.http.post(f"{KETTLE}/1.0.2", json=told(ONE)), 201)
    done(await upload(client, "1.0.2"))
    return client


async def test_the_list(both: Client) -> None:
    assert shown(await both.http.get(KETTLE)) == [ONE, OTHER]


async def test_one_version(both: Client) -> None:
    assert shown(await both.http.get(f"{KETTLE}/1.0.2")) == ONE
    assert shown(await both.http.get(f"{KETTLE}/1.2.3")) == OTHER


async def test_creating(each_factory: FactoryServer) -> None:
    client = await each_factory.logged_in("manager")
    answer = done(await client.http.post(f"{KETTLE}/1.0.2", json=NEW), 201)
    where = answer.headers["location"]
    assert where == f"http://{each_factory.address}{KETTLE}/1.0.2"
    expected = {key: ONE[key] for key in ONE.keys() - {"filename"}}
    assert shown(await client.http.get(where)) == expected | {"skipDispatchingToEndpoint": True}


async def test_changing(both: Client) -> None:
    done(await both.http.put(f"{KETTLE}/1.2.3", json=CHANGES))
    expected = OTHER | {key: CHANGES[key] for key in CHANGES}
    assert shown(await both.http.get(f"{KETTLE}/1.2.3")) == expected
    done(await both.http.put(f"{KETTLE}/1.2.3", json=told(OTHER)))
    assert shown(await both.http.get(f"{KETTLE}/1.2.3")) == OTHER


async def test_a_specification_stays(both: Client) -> None:
    """Also where a client sends another one, as it would to an old server."""
    given = CHANGES | {"specification": {"link": "elsewhere"}}
    done(await both.http.put(f"{KETTLE}/1.2.3", json=given))
    found = shown(await both.http.get(f"{KETTLE}/1.2.3"))
    assert found["specification"] == OTHER["specification"]


async def test_what_a_change_leaves_out_is_empty(both: Client) -> None:
    done(await both.http.put(f"{KETTLE}/1.0.2", json={"rolloutStrategy": "suspended"}))
    assert shown(await both.http.get(f"{KETTLE}/1.0.2")) == {
        "appName": "smart-kettle",
        "version": "1.0.2",
        "specification": ONE["specification"],
        "upgradableFrom": [],
        "filename": "sketch.bin",
        "rolloutStrategy": "suspended",
        "filters": [],
    }


async def test_removing(both: Client) -> None:
    done(await both.http.delete(f"{KETTLE}/1.0.2"))
    assert refused(await both.http.get(f"{KETTLE}/1.0.2"), 404) == "Software not found"
    assert shown(await both.http.get(KETTLE)) == [OTHER]
    done(await both.http.delete(f"{KETTLE}/1.2.3"))
    assert shown(await both.http.get(KETTLE)) == []


async def test_a_file_and_its_link(both: Client, each_factory: FactoryServer) -> None:
    path = f"{KETTLE}/1.0.2/files/sketch.bin"
    body = shown(await both.http.get(f"{path}/links"))
    assert body.keys() == {"link"}
    assert body["link"].startswith(f"http://{each_factory.address}/otao/files/")
    assert (await each_factory.client().http.get(body["link"])).content == b"firmware"
    done(await both.http.delete(path))
    expected = {key: ONE[key] for key in ONE.keys() - {"filename"}}
    assert shown(await both.http.get(f"{KETTLE}/1.0.2")) == expected


async def test_what_an_endpoint_runs(both: Client, each_factory: FactoryServer) -> None:
    kettle = await endpoint(each_factory, both)
    current = f"{API}/endpoints/{ENDPOINT}/software/current"
    assert refused(await both.http.get(current), 404) == "Software not found"
    await report(kettle, "1.0.2")
    assert shown(await both.http.get(current)) == ONE
    await report(kettle, "0.0.1-factory")
    refused(await both.http.get(current), 404)
    await report(kettle, "1.2.3")
    assert shown(await both.http.get(current)) == OTHER


ANY_JSON: list[Any] = [
    *(None, True, 0, -1.5, "", "text", [], [1, {"a": None}], {}, {"a": {"b": [1, "ü", "😀"]}}),
    2**53,
]


@pytest.mark.parametrize("value", ANY_JSON, ids=repr)
async def test_documents_are_any_json(factory: FactoryServer, manager: Client, value: Any) -> None:
    await create(manager, "1.0.0", specification=value, metadata=value)
    found = shown(await manager.http.get(f"{KETTLE}/1.0.0"))
    assert (found["specification"], found["metadata"]) == (value, value)


@pytest.mark.parametrize(
    ("given", "expected"),
    [
        ("2019-04-20T11:19:57Z", "2019-04-20T11:19:57Z"),
        ("2019-04-20T11:19:57.848Z", "2019-04-20T11:19:57.848Z"),
        ("2019-04-20T11:19:57.8Z", "2019-04-20T11:19:57.800Z"),
        ("2019-04-20T13:19:57.000+02:00", "2019-04-20T11:19:57Z"),
        ("2019-04-20T11:19:57.848001Z", "2019-04-20T11:19:57.848001Z"),
    ],
)
async def test_rollout_dates(manager: Client, given: str, expected: str) -> None:
    filters = [{"filterId": "pilots", "rolloutDate": given}, {"filterId": "others"}]
    await create(manager, "1.0.0", rolloutStrategy="targeted", filters=filters)
    found = shown(await manager.http.get(f"{KETTLE}/1.0.0"))
    assert found["filters"] == [filters[0] | {"rolloutDate": expected}, {"filterId": "others"}]


async def test_versions_come_in_their_own_order(manager: Client) -> None:
    for version in ("1.10.0", "1.9.0", "1.9.0-rc.1", "1.0.0+build"):
        await create(manager, version, "0.10.0", "0.9.0")
    found = shown(await manager.http.get(KETTLE))
    assert [one["version"] for one in found] == ["1.0.0+build", "1.9.0-rc.1", "1.9.0", "1.10.0"]
    assert found[0]["upgradableFrom"] == ["0.9.0", "0.10.0"]

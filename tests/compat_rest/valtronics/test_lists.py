"""Pages, filters and orders of the lists."""

from typing import Any

import pytest

from tests.support.clients import Client
from tests.support.clocks import ManualClock
from tests.support.valtronics import DEVICES, beat, create, data, error

FLEET: tuple[dict[str, Any], ...] = (
    {"device_id": "b", "name": "Ada", "location": "Zone A - Hall", "status": "online"},
    {"device_id": "a", "name": "Cid", "location": "Zone A", "manufacturer": "Acme"},
    {"device_id": "e", "name": "Bob", "location": "Zone B", "device_type": "actuator"},
    {"device_id": "d", "name": "Eve", "manufacturer": "Acme", "status": "warning"},
    {"device_id": "c", "name": "Dan", "model": "X", "status": "error", "is_active": False},
)
IN_ORDER = {
    "id": "baedc",
    "name": "beacd",
    "device_id": "abcde",
    "device_type": "ebadc",
    "manufacturer": "adbec",
    "model": "cbaed",
    "location": "abedc",
    "is_active": "cbaed",
    "created_at": "baedc",
    "updated_at": "aedcb",
    "last_seen": "edbac",
}


@pytest.fixture
async def fleet(manager: Client, noon: ManualClock) -> Client:
    for one in FLEET:
        await create(manager, **one)
        noon.advance(1)
    for seen in "ed":
        await beat(manager, seen)
        noon.advance(1)
    await manager.http.put(DEVICES + "1", json={"firmware_version": "9"})
    return manager


async def keys(client: Client, query: str) -> str:
    items = data(await client.http.get(DEVICES + query))["items"]
    return "".join(one["device_id"] for one in items)


@pytest.mark.parametrize(
    ("query", "expected"),
    [
        ("", "cdeab"),
        ("?status=online", "eb"),
        ("?status=offline", "a"),
        ("?status=warning", "d"),
        ("?status=maintenance", ""),
        ("?device_type=actuator", "e"),
        ("?location=Zone%20A", "ab"),
        ("?location=Zone%20A%20-%20Hall", "b"),
        ("?location=Zone", ""),
        ("?manufacturer=Acme", "da"),
        ("?manufacturer=Acme&status=warning", "d"),
        ("?manufacturer=acme", ""),
        ("?device_type=gateway", ""),
    ],
)
async def test_each_filter_holds(fleet: Client, query: str, expected: str) -> None:
    assert await keys(fleet, query) == expected


@pytest.mark.parametrize("field", IN_ORDER)
async def test_every_field_sorts_both_ways(fleet: Client, field: str) -> None:
    """What is not given comes last either way; what is the same goes by age."""
    expected = IN_ORDER[field]
    assert await keys(fleet, f"?sort={field}&order=asc") == expected
    descending = await keys(fleet, f"?sort={field}&order=desc")
    assert sorted(descending) == sorted(expected)
    items = data(await fleet.http.get(DEVICES + f"?sort={field}&order=desc"))["items"]
    given = [one[field] for one in items if one[field] is not None]
    assert given == sorted(given, reverse=True)
    assert [one[field] for one in items[len(given) :]] == [None] * (len(items) - len(given))


async def test_pages_are_parts_of_the_whole(fleet: Client) -> None:
    whole = await keys(fleet, "?sort=name&order=asc")
    parts, number, more = "", 1, True
    while more:
        page = data(await fleet.http.get(DEVICES + f"?sort=name&order=asc&size=2&page={number}"))
        parts += "".join(one["device_id"] for one in page["items"])
        assert page["pagination"] == {
            "page": number,
            "size": 2,
            "total": 5,
            "pages": 3,
            "has_next": number < 3,
            "has_prev": number > 1,
        }
        more, number = page["pagination"]["has_next"], number + 1
    assert (parts, number) == (whole, 4)


async def test_a_page_after_the_last_is_empty(fleet: Client) -> None:
    page = data(await fleet.http.get(DEVICES + "?page=1000000&size=100"))
    assert page["items"] == []
    assert (page["pagination"]["has_next"], page["pagination"]["has_prev"]) == (False, True)


async def test_an_empty_list(manager: Client) -> None:
    for path in ("", "status/online"):
        page = data(await manager.http.get(DEVICES + path))
        assert page["items"] == []
        assert page["pagination"] == {
            "page": 1,
            "size": 20,
            "total": 0,
            "pages": 0,
            "has_next": False,
            "has_prev": False,
        }


async def test_lists_by_status_are_exact(fleet: Client) -> None:
    for status, expected in {
        "online": "eb",
        "offline": "a",
        "warning": "d",
        "error": "c",
        "maintenance": "",
    }.items():
        assert await keys(fleet, f"status/{status}") == expected
    page = data(await fleet.http.get(DEVICES + "status/online?page=2&size=1"))
    assert [one["device_id"] for one in page["items"]] == ["b"]
    assert page["pagination"]["pages"] == 2


@pytest.mark.parametrize(
    ("query", "field"),
    [
        ("?page=0", "page"),
        ("?page=-1", "page"),
        ("?page=x", "page"),
        ("?page=1000001", "page"),
        ("?page=1e3", "page"),
        ("?size=0", "size"),
        ("?size=101", "size"),
        ("?size=", "size"),
        ("?status=broken", "status"),
        ("?status=ONLINE", "status"),
        ("?device_type=toaster", "device_type"),
        ("?location=", "location"),
        ("?location=%00", "location"),
        ("?manufacturer=" + "x" * 129, "manufacturer"),
        ("?sort=password", "sort"),
        ("?sort=name;drop", "sort"),
        ("?order=up", "order"),
        ("status/broken", "status"),
        ("status/online?size=1000", "size"),
        ("status/online?page=0", "page"),
        ("stats?time_range=2h", "time_range"),
        ("stats?time_range=24H", "time_range"),
        ("stats?group_by=name", "group_by"),
    ],
)
async def test_what_cannot_be_asked(manager: Client, query: str, field: str) -> None:
    found = error(await manager.http.get(DEVICES + query), 400)
    assert found["message"] == "Invalid input data"
    assert found["details"]["field"] == field
    assert found["details"]["issue"]

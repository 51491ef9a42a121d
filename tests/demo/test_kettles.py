"""The demo's endpoints: what they run, and what they are offered."""

from oktograph.demo.kettles import prepared_kettles
from tests.support.factory import FactoryServer
from tests.support.factory_api import device_client
from tests.support.otao import API, KETTLE, done, offered, offered_version, shown


async def test_the_kettles_of_the_lab_go_first(sqlite_factory: FactoryServer) -> None:
    await prepared_kettles(sqlite_factory.runtime)
    admin = await sqlite_factory.logged_in("admin")
    current = shown(await admin.http.get(f"{API}/endpoints/kettle-001/software/current"))
    assert (current["version"], current["metadata"]) == (
        "1.0.1",
        "Keeps the temperature at altitude",
    )
    expected = {"kettle-001": "1.1.0", "kettle-002": None, "kettle-003": "1.0.1"}
    for identifier, version in expected.items():
        kettle = await device_client(sqlite_factory, admin, identifier)
        assert await offered_version(kettle) == version
    offer = await offered(await device_client(sqlite_factory, admin, "kettle-001"))
    assert offer is not None
    file = await sqlite_factory.client().http.get(offer["link"])
    assert len(file.content) == offer["sizeBytes"]


async def test_what_people_did_with_it_stays(sqlite_factory: FactoryServer) -> None:
    await prepared_kettles(sqlite_factory.runtime)
    admin = await sqlite_factory.logged_in("admin")
    done(await admin.http.delete(f"{KETTLE}/2.0.0"))
    assert (await admin.http.delete("/api/v1/devices/kettle-003")).status_code == 200
    before = await sqlite_factory.contents()
    await prepared_kettles(sqlite_factory.runtime)
    assert await sqlite_factory.contents() == before

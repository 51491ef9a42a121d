"""The demo's gateways and scanners: made and let in once, and there at every start."""

from pathlib import Path

import pytest

from oktograph.demo.gateways import prepared_gateway
from tests.support.clients import Json
from tests.support.factory import FactoryServer
from tests.support.gateways import common_name, opened

QUERY = """{
  gateways { edges { node { name thingName connectivity certificate { serial } } } }
  gatewayScanners { edges { node { serial status model battery gateway { name } } } } }"""


@pytest.fixture
def factory_settings() -> Json:
    return {"mqtt": "bundled", "mqtt_port": 0}


async def kept(factory: FactoryServer) -> Json:
    """Of theirs: the link to the broker writes in the journal when it likes."""
    found = await factory.contents()
    return {name: found[name] for name in ("gateway", "worn_scanner", "provisioning_package")}


async def test_they_are_there_once(sqlite_factory: FactoryServer, tmp_path: Path) -> None:
    manager = await sqlite_factory.logged_in("manager")
    first = await prepared_gateway(sqlite_factory.runtime, tmp_path)
    assert first is not None
    certificate = opened(first.bundle)
    assert common_name(certificate) == "Gateway1"
    found = await manager.ask(QUERY)
    serial = f"{certificate.serial_number:x}"
    assert [edge["node"] for edge in found["gateways"]["edges"]] == [
        {
            "name": "Gateway2",
            "thingName": "Gateway2",
            "connectivity": "NOT_REGISTERED",
            "certificate": None,
        },
        {
            "name": "Gateway1",
            "thingName": "Gateway1",
            "connectivity": "REGISTERING",
            "certificate": {"serial": serial},
        },
    ]
    (edge,) = found["gatewayScanners"]["edges"]
    assert edge["node"] == {
        "serial": "M2MR101000000",
        "status": "INACTIVE",
        "model": "Mark",
        "battery": 50,
        "gateway": {"name": "Gateway1"},
    }
    before = await kept(sqlite_factory)
    again = await prepared_gateway(sqlite_factory.runtime, tmp_path)
    assert again is not None
    assert again.bundle == first.bundle
    assert await kept(sqlite_factory) == before


async def test_who_lost_the_certificate_is_let_in_anew(
    sqlite_factory: FactoryServer, tmp_path: Path
) -> None:
    first = await prepared_gateway(sqlite_factory.runtime, tmp_path / "a")
    second = await prepared_gateway(sqlite_factory.runtime, tmp_path / "b")
    assert first is not None
    assert second is not None
    assert common_name(opened(second.bundle)) != common_name(opened(first.bundle))

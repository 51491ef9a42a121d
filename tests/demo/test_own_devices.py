"""What the user has configured himself stays, and the demo's own gives way to it."""

from pathlib import Path
from typing import Any

from domain.line.models import HardwareKind
from drivers.plcs.modbus.simulator import ModbusSimulator
from drivers.scanners.simulation import SimulatorConfig
from drivers.scanners.simulator import ScannerSimulator
from oktograph.demo.places import Places
from oktograph.demo.plan import PLAN, fitted
from tests.support.codes import milk_codes
from tests.support.demo import LINE, DemoPlace, running_demo
from tests.support.edge import EdgeFolders
from tests.support.whole_line import plc_config

Json = dict[str, Any]
OFF = ["plcs", "printers", "ups", "gpio"]


async def call(place: DemoPlace, method: str, path: str, body: Any = None) -> Any:
    manager = await place.edge.logged_in("manager")
    answer = await manager.http.request(method, f"/api/v1/{path}", json=body)
    return answer.json()


async def plan_of(place: DemoPlace) -> Json:
    asked = "{ hardwareConfiguration(kind: LINES) }"
    [plan] = (await place.operator.ask(asked))["hardwareConfiguration"]
    assert plan["id"] == LINE
    return dict(plan)


async def test_own_scanners_and_controllers_are_not_simulated(
    edge_folders: EdgeFolders, tmp_path: Path
) -> None:
    folder = await edge_folders.fresh(tmp_path / "data")
    async with (
        ScannerSimulator(SimulatorConfig(rate=0)) as own,
        ModbusSimulator(plc_config()) as plc,
        running_demo(
            folder,
            scanners=[{"index": 4, "name": "Mine", "host": "127.0.0.1", "port": own.port}],
            plcs=[{"id": "mine", "protocol": "MODBUS_TCP", "host": "127.0.0.1", "port": plc.port}],
            plc_bindings=[{"name": "reject", "plc": "mine", "address": "coil:1"}],
        ) as place,
    ):
        await place.connected()
        keys = [key for key, _, _ in place.demo.hardware.devices]
        assert keys == ["printer-0", "ups", "gpio"]
        shown = await place.shows()
        assert [one["name"] for one in shown["scanners"]] == ["Mine"]
        assert [one["id"] for one in shown["plcs"]] == ["mine"]
        plan = await plan_of(place)
        assert plan["stations"] == []
        assert "stop" not in plan
        assert plan["printBatch"]["template"] == "batch"
        (code,) = milk_codes(1)
        await own.emit(code)
        await place.scanned(1)
        assert plc.get("reject") is False


async def test_what_is_switched_off_is_not_simulated(
    edge_folders: EdgeFolders, tmp_path: Path
) -> None:
    folder = await edge_folders.fresh(tmp_path / "data")
    async with running_demo(folder, demo_rate=50, hardware_off=OFF) as place:
        assert [key for key, _, _ in place.demo.hardware.devices] == ["scanner-0", "scanner-1"]
        await place.scanned(5)
        answer = await call(place, "GET", "ups/status")
        assert answer["error"]["code"] == "SERVICE_UNAVAILABLE"
        assert [one["scanner"] for one in (await plan_of(place))["stations"]] == [0, 1]


async def test_an_own_plan_is_followed_and_held_to_what_it_names(
    edge_folders: EdgeFolders, tmp_path: Path
) -> None:
    folder = await edge_folders.fresh(tmp_path / "data")
    lines = [{"id": LINE, "stations": [{"scanner": 1, "reject": {"tag": "reject"}}]}]
    async with running_demo(folder, demo_rate=0, lines=lines) as place:
        plan = await plan_of(place)
        assert not {"stop", "printBatch"} & set(plan)
        assert plan["stations"][0]["reject"]["tag"] == "reject"
        refused = await call(place, "PUT", "scanners", [])
        assert refused["error"]["details"]["field"] == "lines.0.stations.0.scanner"
        assert len((await place.shows())["scanners"]) == 2


async def test_other_scanners_take_the_place_of_the_demo_s(
    edge_folders: EdgeFolders, tmp_path: Path
) -> None:
    folder = await edge_folders.fresh(tmp_path / "data")
    async with running_demo(folder, demo_rate=0) as place:
        await place.connected()
        known = (await call(place, "GET", "scanners"))["data"]
        other = {"index": 5, "name": "Other", "host": "127.0.0.1", "port": 9}
        put = await call(place, "PUT", "scanners", [other])
        assert [one["index"] for one in put["data"]] == [5]
        assert (await plan_of(place))["stations"] == []
        assert (await call(place, "PUT", "scanners", known))["success"] is True
        stations = (await plan_of(place))["stations"]
        assert [one["scanner"] for one in stations] == [0, 1]
        assert stations[1]["reject"]["feedback"]["tag"] == "bin"


async def test_without_its_controllers_the_plan_has_no_outputs(
    edge_folders: EdgeFolders, tmp_path: Path
) -> None:
    folder = await edge_folders.fresh(tmp_path / "data")
    async with running_demo(folder, demo_rate=0) as place:
        await place.connected()
        known = (await call(place, "GET", "plcs"))["data"]
        [gate, filler] = known
        assert (await call(place, "PUT", "plcs", [filler]))["success"] is True
        names = {tag["name"].partition(".")[0] for tag in (await place.shows())["tags"]}
        assert names == {"filler"}
        plan = await plan_of(place)
        assert "stop" not in plan
        assert [one.get("reject") for one in plan["stations"]] == [None, None]
        # One after the other, whatever was cut in between.
        assert (await call(place, "PUT", "scanners", []))["success"] is True
        assert (await call(place, "PUT", "printers", []))["success"] is True
        assert "printBatch" not in await plan_of(place)
        assert (await call(place, "PUT", "plcs", [gate, filler]))["success"] is True
        assert (await plan_of(place))["stop"]["tag"] == "stop"
        bad = [{"name": "x", "plc": "nobody", "address": "coil:1"}]
        refused = await call(place, "PUT", "plc/bindings", bad)
        assert refused["error"]["code"] == "VALIDATION_ERROR"
        assert len((await place.shows())["tags"]) == 8


def test_whatever_people_send_only_its_judges_refuse_it() -> None:
    fit = fitted({HardwareKind.LINES: [PLAN], HardwareKind.PLC_BINDINGS: []})
    said: list[Any] = [None, 7, "x", [7], [{"index": [1]}], [{"id": {}}], {"buttons": 3}]
    for nonsense in said:
        told = {kind: nonsense for kind in HardwareKind if kind is not HardwareKind.LINES}
        [plan] = fit(told | {HardwareKind.LINES: [PLAN]})[HardwareKind.LINES]
        assert plan["stations"] == []
        assert "stop" not in plan


def test_places_are_kept(tmp_path: Path) -> None:
    places = Places(tmp_path)
    assert places.last("ups") == 0
    places.took("ups", 30_111)
    places.keep()
    assert Places(tmp_path).last("ups") == 30_111
    (tmp_path / "demo-ports.json").write_text('{"ups": "x", "gpio": -1}')
    assert Places(tmp_path).last("ups", 30_112) == 30_112
    (tmp_path / "demo-ports.json").write_text("{")
    assert Places(tmp_path).last("gpio") == 0
    Places(tmp_path / "nowhere").keep()

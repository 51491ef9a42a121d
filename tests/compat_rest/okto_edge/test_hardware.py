"""Self-service: hardware is configured in place, refused whole, kept over restarts."""

import json
from pathlib import Path
from typing import Any

import pytest

from drivers.plcs.modbus.simulator import ModbusSimulator
from drivers.scanners.simulation import SimulatorConfig
from drivers.scanners.simulator import ScannerSimulator
from tests.support.codes import milk_codes
from tests.support.edge import Client, Edge, EdgeFolders, running_edge
from tests.support.waiting import eventually, until
from tests.support.whole_line import TAGS, plc_config, scanner_settings

SECRET = "correct horse battery"
SCANNERS, PLCS, BINDINGS = "/api/v1/scanners", "/api/v1/plcs", "/api/v1/plc/bindings"
Json = dict[str, Any]


async def put(client: Client, path: str, body: Any) -> Any:
    answer = await client.http.put(path, json=body)
    assert answer.status_code == 200, answer.text
    return answer.json()["data"]


async def get(client: Client, path: str) -> Any:
    answer = await client.http.get(path)
    assert answer.status_code == 200, answer.text
    return answer.json()["data"]


async def connected(edge: Edge, count: int) -> None:
    async def holds() -> bool:
        found = edge.runtime.line.scanners()
        return len(found) == count and all(one.connected for one in found)

    await until(holds)


async def test_scanners_are_exchanged_on_a_running_line_and_no_code_is_lost(
    edge: Edge, operator: Client
) -> None:
    codes = milk_codes(300)
    infeed = ScannerSimulator(SimulatorConfig(rate=0), codes)
    async with infeed, ScannerSimulator(SimulatorConfig(rate=0)) as outfeed:
        settings = scanner_settings(["ADD", "REMOVE"], [infeed.port, outfeed.port])
        shown = await put(operator, SCANNERS, settings)
        assert [one["role"] for one in shown] == ["ADD", "REMOVE"]
        await connected(edge, 2)
        since_us = edge.runtime.line.scanners()[0].since_us
        infeed.rate = 300
        for turn in range(5):
            settings[1]["name"] = f"outfeed {turn}"
            await put(operator, SCANNERS, settings)
            await connected(edge, 2)
        await infeed.finished()
        counted = "{ bottles { totalCount } }"

        async def all_there() -> bool:
            found = await operator.ask(counted)
            return bool(found["bottles"]["totalCount"] == len(codes))

        await until(all_there)
        assert edge.runtime.line.scanners()[0].since_us == since_us
        status = await get(operator, f"{SCANNERS}/0/status")
        assert (status["connected"], status["readCount"]) == (True, len(codes))


async def test_what_is_put_is_an_override_and_survives_a_restart(
    edge_folders: EdgeFolders, tmp_path: Path
) -> None:
    folder = await edge_folders.fresh(tmp_path / "data")
    async with ScannerSimulator(SimulatorConfig(rate=0)) as scanner:
        async with running_edge(folder) as edge:
            operator = await edge.logged_in("operator")
            await put(operator, SCANNERS, scanner_settings(["ADD"], [scanner.port]))
            stored = (await get(operator, "/api/v1/config"))["l2.override.scanners"]
            assert json.loads(stored)[0]["port"] == scanner.port
        async with running_edge(folder) as edge:
            await connected(edge, 1)
            operator = await edge.logged_in("operator")
            await operator.http.delete("/api/v1/config")
            reloaded = await operator.http.post("/api/v1/config/reload")
            assert reloaded.json()["data"]["changed"] == ["scanners"]
            assert await get(operator, SCANNERS) == []


INFEED = {"index": 0, "name": "a", "host": "127.0.0.1", "port": 1}
REFUSED: tuple[tuple[str, Any, str], ...] = (
    (SCANNERS, [{"index": 0, "name": "a", "host": "h", "port": 70000}], "scanners.0.port"),
    (SCANNERS, [INFEED | {"colour": 1}], "scanners.0.colour"),
    (SCANNERS, [{"index": 0, "name": "a", "host": "h", "port": 1, "role": "?"}], "scanners.0.role"),
    (SCANNERS, [{"index": 0, "name": "a"}], "scanners.0.host"),
    (SCANNERS, [1], "0"),
    (PLCS, [{"id": "a", "protocol": "S7"}], "plcs.0.protocol"),
    (PLCS, [{"id": "a", "protocol": "OPC_UA"}], "plcs.0.host"),
    (BINDINGS, [{"name": "a", "plc": "none", "address": "coil:0"}], "bindings.0.plc"),
    (BINDINGS, [{"name": "a", "plc": "plc", "address": "spool:0"}], "bindings.0.address"),
    (BINDINGS, [{"name": "a", "plc": "plc", "address": "coil:0", "type": "REAL"}], "bindings.0"),
)


@pytest.mark.parametrize(("path", "body", "field"), REFUSED)
async def test_a_bad_configuration_is_refused_whole(
    edge: Edge, operator: Client, path: str, body: list[Any], field: str
) -> None:
    await put(operator, PLCS, [MODBUS])
    before = await get(operator, "/api/v1/config"), await get(operator, path)
    answer = await operator.http.put(path, json=body)
    assert answer.status_code == 400, answer.text
    assert answer.json()["error"]["details"]["field"].startswith(field), answer.text
    after = await get(operator, "/api/v1/config"), await get(operator, path)
    assert after == before


MODBUS = {"id": "plc", "protocol": "MODBUS_TCP", "host": "127.0.0.1", "port": 1}


async def test_a_serial_port_has_one_configuration_whatever_the_kind(operator: Client) -> None:
    line = {"device": "/dev/ttyUSB7"}
    press = {"id": "press", "protocol": "MODBUS_RTU", "modbus": {"serial": line}}
    await put(operator, PLCS, [press])
    scanner = {"index": 0, "name": "infeed", "transport": "SERIAL", "serial": line}
    answer = await operator.http.put(SCANNERS, json=[scanner])
    assert answer.status_code == 400
    assert "already used" in answer.json()["error"]["message"]
    assert await get(operator, SCANNERS) == []


async def test_bindings_and_their_controller_must_fit_together(operator: Client) -> None:
    await put(operator, PLCS, [MODBUS])
    await put(operator, BINDINGS, [tag | {"plc": "plc"} for tag in TAGS])
    answer = await operator.http.put(PLCS, json=[])
    assert answer.status_code == 400  # tags would hang in the air
    assert len(await get(operator, PLCS)) == 1


async def test_passwords_are_sealed_where_they_are_stored_and_masked_where_shown(
    edge_folders: EdgeFolders, tmp_path: Path
) -> None:
    folder = await edge_folders.fresh(tmp_path / "data")
    async with running_edge(folder) as edge:
        operator = await edge.logged_in("operator")
        server = {
            "id": "oven",
            "protocol": "OPC_UA",
            "host": "127.0.0.1",
            "port": 1,
            "opcUa": {"username": "edge", "password": SECRET},
        }
        shown = await put(operator, PLCS, [server])
        assert shown[0]["opcUa"]["password"] == "*" * 10
        shown[0]["name"] = "Oven"
        await put(operator, PLCS, shown)  # the mask stands for what is there
        running = edge.runtime.control.running.hardware.plcs[0]
        assert running.opc_ua.password is not None
        assert running.opc_ua.password.get_secret_value() == SECRET
        raw = json.dumps([server | {"opcUa": {"username": "edge", "password": SECRET + "!"}}])
        set_ = await operator.http.put("/api/v1/config", json={"set": {"plcs": raw}})
        assert set_.status_code == 200, set_.text
        await put(operator, PLCS, shown)
        assert SECRET not in (await operator.http.get("/api/v1/config")).text
        answer = await operator.http.put(PLCS, json=[shown[0] | {"id": "other"}])
        assert answer.json()["error"]["details"]["field"] == "plcs.0.opcUa.password"
    files = [path for path in folder.rglob("*") if path.is_file()]
    assert len(files) > 1
    assert not [path.name for path in files if SECRET.encode() in path.read_bytes()]
    async with running_edge(folder) as edge:
        running = edge.runtime.control.running.hardware.plcs[0]
        assert running.opc_ua.password is not None
        assert running.opc_ua.password.get_secret_value() == SECRET


WRITE = 'mutation { writeTag(name: "accept", value: true) { value quality } }'


async def test_a_controller_and_its_tags_by_the_old_routes(edge: Edge, operator: Client) -> None:
    async with ModbusSimulator(plc_config()) as plc:
        await put(operator, PLCS, [MODBUS | {"port": plc.port}])
        await put(operator, BINDINGS, [tag | {"plc": "plc"} for tag in TAGS])
        tested = await operator.http.post(f"{PLCS}/plc/test")
        assert tested.json()["data"]["connected"] is True
        health = await get(operator, f"{PLCS}/plc/health")
        assert (health["state"], health["protocol"], health["tags"]) == (
            "CONNECTED",
            "MODBUS_TCP",
            5,
        )
        places = await get(operator, f"{PLCS}/plc/tags")
        assert {one["name"] for one in places} >= {"accept", "reject", "stop", "bin", "belt"}
        written = await operator.ask(WRITE)
        assert written["writeTag"] == {"value": True, "quality": "GOOD"}
        assert plc.get("accept") is True
        plc.put("belt", 7)
        shown = await operator.ask('{ tag(name: "belt") { value quality } }')
        assert shown["tag"] == {"value": 7, "quality": "GOOD"}

        async def lost() -> bool:
            await plc.refuse()
            return bool((await get(operator, f"{PLCS}/plc/health"))["state"] == "LOST")

        await until(lost)
        tested = await operator.http.post(f"{PLCS}/plc/test")
        assert (tested.status_code, tested.json()["data"]["connected"]) == (200, False)
        refused = await operator.refusal(WRITE)
        assert refused["extensions"]["code"] == "SERVICE_UNAVAILABLE"


async def test_nothing_of_the_kind_is_404(operator: Client) -> None:
    for path in (f"{SCANNERS}/7/status", f"{PLCS}/none/health", f"{PLCS}/none/tags"):
        answer = await operator.http.get(path)
        assert (answer.status_code, answer.json()["error"]["code"]) == (404, "NOT_FOUND")
    for path in (f"{SCANNERS}/7/test", f"{PLCS}/none/test"):
        assert (await operator.http.post(path)).status_code == 404


OFF = (
    ("GET", SCANNERS),
    ("PUT", SCANNERS),
    ("GET", f"{SCANNERS}/0/status"),
    ("POST", f"{SCANNERS}/0/test"),
    ("GET", PLCS),
    ("GET", f"{PLCS}/plc/tags"),
    ("PUT", BINDINGS),
    ("GET", "/api/v1/printers"),
    ("POST", "/api/v1/printers/0/test"),
    ("GET", "/api/v1/printers/0/templates"),
    ("GET", "/api/v1/ups/status"),
    ("POST", "/api/v1/ups/test"),
    ("GET", "/api/v1/gpio/status"),
    ("POST", "/api/v1/gpio/buttons/start/test"),
    ("GET", "/api/v1/batch-accounting/buffer"),
)
KINDS = ["scanners", "plcs", "plcBindings", "printers", "ups", "gpio", "batchAccounting"]


@pytest.mark.parametrize("edge_settings", [{"hardware_off": KINDS}])
@pytest.mark.parametrize(("method", "path"), OFF)
async def test_hardware_that_is_switched_off_is_the_documented_503(
    operator: Client, anonymous: Client, method: str, path: str
) -> None:
    body: list[Any] | None = [] if method == "PUT" else None
    answer = await operator.http.request(method, path, json=body)
    assert answer.status_code == 503, answer.text
    assert answer.json() == {"error": {"code": "SERVICE_UNAVAILABLE"}}
    assert (await anonymous.http.request(method, path, json=body)).status_code == 401


async def test_what_is_put_by_the_graph_is_seen_by_the_old_routes(
    edge: Edge, operator: Client
) -> None:
    async with ScannerSimulator(SimulatorConfig(rate=0)) as scanner:
        document = """mutation ($s: [ScannerInput!]!) {
            setScanners(scanners: $s) { name role address } }"""
        given = {
            "index": 3,
            "name": "packer",
            "role": "PACKAGE",
            "lineId": "line-001",
            "host": "127.0.0.1",
            "port": scanner.port,
            "settings": {"maxInFlight": 8},
        }
        found = await operator.ask(document, s=[given])
        assert found["setScanners"][0]["role"] == "PACKAGE"
        [shown] = await get(operator, SCANNERS)
        assert (shown["maxInFlight"], shown["lineId"]) == (8, "line-001")
        await eventually(lambda: scanner.peer_count == 1)

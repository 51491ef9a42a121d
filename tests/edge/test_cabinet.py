"""The cabinet on a real edge: outages are told and survived, buttons act, lamps follow the line."""

from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import AsyncExitStack
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from domain.line.alarms.models import AlarmKind
from drivers.gpio.simulator import GpioSimulator, GpioSimulatorConfig
from drivers.ups.nut_simulator import NutSimulator, NutSimulatorConfig, NutUser
from tests.support.edge import EdgeFolders
from tests.support.gpio import WIRED
from tests.support.waiting import until
from tests.support.whole_line import LINE, WholeLine, fresh, whole_line

Json = dict[str, Any]
SECRET = "up and down"
BUTTONS = [
    {"name": "start", "line": 17},
    {"name": "stop", "line": 4, "activeLow": False, "pull": "NONE"},
]
LEDS = [
    {"name": "run", "line": 27, "mirrors": "RUNNING"},
    {"name": "alarm", "line": 22, "activeLow": True, "mirrors": "ALARM"},
    {"name": "spare", "line": "EXT-5"},
]


@dataclass
class Cabinet:
    whole: WholeLine
    ups: NutSimulator
    panel: GpioSimulator

    async def get(self, path: str) -> Json:
        answer = await self.whole.operator.http.get(f"/api/v1/{path}")
        assert answer.status_code == 200, answer.text
        found: Json = answer.json()["data"]
        return found

    async def post(self, path: str, body: Json | None = None) -> Json:
        answer = await self.whole.operator.http.post(f"/api/v1/{path}", json=body)
        assert answer.status_code == 200, answer.text
        found: Json = answer.json()["data"]
        return found

    async def journal(self, wanted: str) -> None:
        """Waits for an entry that says so."""
        asked = "{ events(first: 50) { edges { node { message } } } }"

        async def holds() -> bool:
            edges = (await self.whole.operator.ask(asked))["events"]["edges"]
            return any(wanted in one["node"]["message"] for one in edges)

        await until(holds)

    async def becomes(self, ask: Callable[[], Awaitable[Any]], wanted: Any) -> None:
        async def holds() -> bool:
            return bool(await ask() == wanted)

        await until(holds)


@pytest.fixture
async def cabinet(edge_folders: EdgeFolders, tmp_path: Path) -> AsyncIterator[Cabinet]:
    users = {"edge": NutUser(password=SECRET)}
    async with AsyncExitStack() as stack:
        ups = await stack.enter_async_context(
            NutSimulator(NutSimulatorConfig(name="cab", users=users))
        )
        panel = await stack.enter_async_context(GpioSimulator(GpioSimulatorConfig(**WIRED)))
        settings = {
            "ups": {
                "ups": "cab",
                "host": "127.0.0.1",
                "port": ups.port,
                "pollIntervalS": 0.05,
                "username": "edge",
                "password": SECRET,
                "shutdownAfterOnBatteryS": 0,
            },
            "gpio": {"chip": panel.url, "buttons": BUTTONS, "leds": LEDS},
        }
        plan = {"stop": {"tag": "stop"}, "buttons": {"start": "start", "stop": "stop"}}
        whole = await stack.enter_async_context(
            whole_line(edge_folders, tmp_path, ["ADD"], plan, **settings)
        )
        found = Cabinet(whole, ups, panel)

        async def ready() -> bool:
            links = [(await found.get(path))["link"] for path in ("ups/status", "gpio/status")]
            return all(link["connected"] for link in links)

        await until(ready)
        yield found


async def test_an_outage_is_told_and_all_is_brought_to_a_safe_end(cabinet: Cabinet) -> None:
    for code in fresh(5):
        await cabinet.whole.read("ADD", code)
    await cabinet.whole.scans(5)
    cabinet.ups.ups.outage()
    raised = await cabinet.whole.raises(AlarmKind.UPS_ON_BATTERY, "ups")
    assert raised["message"] == "The mains are lost"
    await cabinet.journal("On battery: the database is safe")
    shown = await cabinet.get("ups/status")
    assert (shown["onBattery"], shown["power"]) == (True, "ON_BATTERY")
    cabinet.ups.ups.battery_percent = 5
    await cabinet.whole.raises(AlarmKind.UPS_LOW_BATTERY, "ups")
    cabinet.ups.ups.restore()
    await cabinet.whole.raises(AlarmKind.UPS_ON_BATTERY, "ups", active=False)
    await cabinet.whole.raises(AlarmKind.UPS_LOW_BATTERY, "ups", active=False)
    await cabinet.journal("Mains back")


async def test_what_is_simulated_is_an_outage_until_it_is_released(cabinet: Cabinet) -> None:
    shown = await cabinet.post("ups/simulate", {"onBattery": True, "batteryPercent": 42})
    assert (shown["onBattery"], shown["batteryPercent"]) == (True, 42)
    assert shown["simulated"] is True
    await cabinet.whole.raises(AlarmKind.UPS_ON_BATTERY, "ups")
    released = await cabinet.post("ups/simulate", {"onBattery": False})
    assert (released["onBattery"], released["simulated"]) == (False, False)
    await cabinet.whole.raises(AlarmKind.UPS_ON_BATTERY, "ups", active=False)


async def test_a_self_test_says_how_it_went(cabinet: Cabinet) -> None:
    done = await cabinet.post("ups/test")
    assert done["outcome"] in ("RUNNING", "PASSED")
    asked = await cabinet.whole.operator.ask("{ ups { power simulated batteryPercent } }")
    assert asked["ups"]["power"] in ("ON_LINE", "ON_BATTERY")


async def test_buttons_stop_and_start_the_line_and_lamps_follow(cabinet: Cabinet) -> None:
    whole, panel = cabinet.whole, cabinet.panel
    await panel.led_is("run", True)
    stopped = whole.plc.expect("stop", True)
    panel.press("stop")
    await stopped
    await panel.led_is("run", False)
    await panel.led_is("alarm", True)
    panel.release("stop")
    raised = await whole.raises(AlarmKind.LINE_STOPPED, LINE)
    assert "button stop" in raised["message"]
    running = whole.plc.expect("stop", False)
    panel.press("start")
    await running
    await panel.led_is("run", True)


async def test_a_button_and_a_lamp_by_the_old_routes(cabinet: Cabinet) -> None:
    whole = cabinet.whole
    stopped = whole.plc.expect("stop", True)
    shown = await cabinet.post("gpio/buttons/stop/test")
    await stopped
    pressed = {one["name"]: one["presses"] for one in shown["buttons"]}
    assert pressed == {"start": 0, "stop": 1}
    await cabinet.post("gpio/leds/spare/set", {"on": True})
    await cabinet.panel.led_is("spare", True)
    shown = await cabinet.post("gpio/leds/spare/set", {"on": None})
    await cabinet.panel.led_is("spare", False)
    assert [one["overridden"] for one in shown["leds"]] == [None] * 3
    for path in ("gpio/buttons/none/test", "gpio/leds/none/set"):
        answer = await whole.operator.http.post(f"/api/v1/{path}", json={"on": True})
        assert (answer.status_code, answer.json()["error"]["code"]) == (404, "NOT_FOUND")


async def test_a_lost_panel_and_a_lost_ups_disturb_nobody_else(cabinet: Cabinet) -> None:
    whole = cabinet.whole
    await cabinet.panel.refuse()
    await cabinet.ups.refuse()
    for device in ("gpio", "ups"):
        await whole.raises(AlarmKind.DEVICE_LOST, device)
    (code,) = fresh(1)
    await whole.read("ADD", code)
    await whole.becomes(code, "CREATED")
    answer = await whole.operator.http.post("/api/v1/gpio/leds/spare/set", json={"on": True})
    assert (answer.status_code, answer.json()["error"]["code"]) == (503, "SERVICE_UNAVAILABLE")
    await cabinet.panel.accept()
    await whole.raises(AlarmKind.DEVICE_LOST, "gpio", active=False)


async def test_the_password_of_the_ups_is_masked(cabinet: Cabinet) -> None:
    asked = await cabinet.whole.operator.ask("{ hardwareConfiguration(kind: UPS) }")
    assert asked["hardwareConfiguration"]["password"] == "*" * 10

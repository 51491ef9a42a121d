"""`oktograph simulate DEVICE`, as a person runs it, and the driver that it says to configure."""

import asyncio
import signal
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, chdir
from pathlib import Path
from typing import Any

import pytest
from typer.testing import CliRunner

from drivers import registry
from drivers.connections import Connections
from drivers.gpio.port import ButtonAction, ButtonEvent, GpioConfig
from drivers.link import LinkState
from drivers.plcs.port import PlcPort, parse_bindings, parse_plcs
from drivers.plcs.tags import Quality, TagBinding, TagValue
from drivers.printers.jobs import PrintJob
from drivers.printers.port import PrinterPort, parse_printers
from drivers.printers.samples import sample_template
from drivers.printers.status import PrinterCondition
from drivers.printers.templates import compile_template
from drivers.scanners.port import parse_scanners
from drivers.supervised import SupervisedTask
from drivers.supervisor import Declaration
from drivers.ups.factory import parse_ups
from drivers.ups.port import SelfTestOutcome
from oktograph.cli.main import app
from tests.support.processes import run_to_end
from tests.support.scanners import QUICK, Sink
from tests.support.simulate import Simulated, simulated
from tests.support.ups import Readings
from tests.support.waiting import DEADLINE_S, eventually, until

CONNECT_S = 30.0


@asynccontextmanager
async def driven(declaration: Declaration) -> AsyncIterator[Any]:
    """The driver, once it is connected."""
    driver = declaration.build()
    task = SupervisedTask(declaration.key, driver)
    task.start()
    try:
        await task.wait_for_state(LinkState.CONNECTED, CONNECT_S)
        yield driver
    finally:
        await task.stop()


SCANNERS = (
    (),
    ("--model", "COGNEX_DATAMAN"),
    ("--transport", "modbus"),
    ("--transport", "ethernet-ip"),
    ("--device", "scanner"),
    ("--device", "wedge", "--transport", "usb-hid"),
    ("--device", "pos", "--transport", "usb-hid", "--hid", "pos"),
)


@pytest.mark.parametrize("options", SCANNERS, ids=" ".join)
async def test_a_scanner(tmp_path: Path, options: tuple[str, ...]) -> None:
    sink = Sink()
    async with simulated(tmp_path, "scanner", "--rate", "0", *options) as device:
        [config] = parse_scanners(device.settings["SCANNERS"])
        async with driven(registry.scanner_declaration(config, sink)):
            assert await device.say("read 0104600605032541<GS>93abcd") == "OK"
            await sink.has("0104600605032541\x1d93abcd")
            assert await device.say("noread") == "OK"
            await eventually(lambda: any(reading.no_read for reading in sink.readings))
            assert await device.say("rate 100") == "OK"
            await sink.count(5)
        assert await device.stop() == "stopped"
        assert _left_in(tmp_path) == []


def _left_in(folder: Path) -> list[Path]:
    return list(folder.iterdir())


async def test_a_scanner_that_dials_and_has_bad_days(tmp_path: Path) -> None:
    sink = Sink()
    edge = {"index": 0, "name": "a", "mode": "listen", "host": "127.0.0.1", "port": 0}
    [listening] = parse_scanners([edge])
    driver = registry.scanner_declaration(listening, sink).build()
    task = SupervisedTask("scanner-0", driver)
    task.start()
    try:
        port = await asyncio.wait_for(driver.bound_port(), DEADLINE_S)  # type: ignore[attr-defined]
        options = ("--dial", "--port", str(port), "--rate", "50", "--cut-every", "0.2")
        async with simulated(tmp_path, "scanner", *options) as device:
            [config] = parse_scanners(device.settings["SCANNERS"])
            assert (config.mode, config.port) == (listening.mode, port)
            await task.wait_for_state(LinkState.CONNECTED, DEADLINE_S)
            lost = task.expect(LinkState.LOST)
            await asyncio.wait_for(lost, DEADLINE_S)
            await task.wait_for_state(LinkState.CONNECTED, DEADLINE_S)
            await sink.count(20)
            assert await device.stop(signal.SIGTERM) == "stopped"
    finally:
        await task.stop()


CONTROLLERS = (
    ("--protocol", "modbus-tcp"),
    ("--protocol", "modbus-rtu"),
    ("--protocol", "modbus-rtu", "--device", "line"),
    ("--protocol", "opc-ua"),
    ("--protocol", "ethernet-ip"),
    ("--protocol", "tcp-socket"),
)


class Tags:
    def __init__(self) -> None:
        self.seen: list[tuple[str, object]] = []

    async def __call__(self, binding: TagBinding, value: TagValue) -> None:
        if value.quality is Quality.GOOD:
            self.seen.append((binding.name, value.value))

    def values(self, name: str) -> list[Any]:
        return [value for seen, value in self.seen if seen == name]


@pytest.mark.parametrize("options", CONTROLLERS, ids=" ".join)
async def test_a_controller(tmp_path: Path, options: tuple[str, ...]) -> None:
    tags = Tags()
    async with simulated(tmp_path, "plc", *options) as device:
        plcs = parse_plcs(device.settings["PLCS"])
        bindings = parse_bindings(device.settings["PLC_BINDINGS"], plcs)
        declared = registry.plc_declaration(plcs[0], bindings, tags, Connections())
        async with driven(declared) as driver:
            await _has_a_gate_and_a_belt(driver, tags)
            assert await device.say("set setpoint 20.5") == "OK"
            await eventually(lambda: 20.5 in tags.values("setpoint"))
            assert await device.say("get stop") == "OK True"
            assert await device.say("set stop maybe") == "ERR set takes name value"
            assert await device.say("set nothing 1") == "ERR there is no nothing"
        assert await device.stop() == "stopped"


async def _has_a_gate_and_a_belt(driver: PlcPort, tags: Tags) -> None:
    await driver.write("reject", True)
    await driver.write("reject", False)
    await eventually(lambda: True in tags.values("bin"))
    await eventually(lambda: tags.values("bin")[-1] is False)
    await eventually(lambda: len(set(tags.values("belt"))) > 5)
    await eventually(lambda: len(set(tags.values("temperature"))) > 1)
    await driver.write("stop", True)
    await driver.write("setpoint", 30.0)

    async def stands() -> bool:
        first, second = [(await driver.read(["belt"]))[0].value for _ in range(2)]
        return first == second

    await until(stands)


PRINTERS = (("--model", "zpl"), ("--model", "tspl"), ("--model", "text"))


@pytest.mark.parametrize("options", PRINTERS, ids=" ".join)
async def test_a_printer(tmp_path: Path, options: tuple[str, ...]) -> None:
    conditions: list[tuple[PrinterCondition, bool]] = []

    async def on_condition(condition: PrinterCondition, active: bool, _: str) -> None:
        conditions.append((condition, active))

    async with simulated(tmp_path, "printer", *options, "--media", "2") as device:
        [config] = parse_printers(device.settings["PRINTERS"])
        quick = config.model_copy(update={"poll_s": 0.1})
        async with driven(registry.printer_declaration(quick, on_condition)) as driver:
            await _prints(driver)
            said = await device.say("labels")
            while not said.startswith("OK 1 printed"):
                said = await device.say("labels")
            assert "Printer 1" in said
            assert await device.say("media 0") == "OK"
            await eventually(lambda: (PrinterCondition.MEDIA_OUT, True) in conditions)
            assert await device.say("media endless") == "OK"
            await eventually(lambda: (PrinterCondition.MEDIA_OUT, False) in conditions)
            assert await device.say("head open") == "OK"
            await eventually(lambda: (PrinterCondition.HEAD_OPEN, True) in conditions)
            assert await device.say("head ajar") == "ERR there is no ajar"
        assert await device.stop() == "stopped"


async def _prints(driver: PrinterPort) -> None:
    compiled = compile_template(sample_template(driver.config), driver.config)
    document = compiled.render({"name": "Printer 1"})
    await driver.print(document, PrintJob("job", "test", {}, None))


@pytest.mark.parametrize("protocol", ["nut", "snmp"])
async def test_a_ups(tmp_path: Path, protocol: str) -> None:
    readings = Readings()
    async with simulated(tmp_path, "ups", "--protocol", protocol, "--charge", "80") as device:
        told = {"poll_interval_s": 0.1, "test_wait_s": 0}
        config = parse_ups(device.settings["UPS"]).model_copy(update=told)
        async with driven(registry.ups_declaration(config, readings)) as driver:
            await eventually(lambda: len(readings.readings) > 0)
            assert readings.readings[0].battery_percent == pytest.approx(80, abs=2)
            assert await device.say("outage") == "OK"
            await eventually(lambda: readings.readings[-1].on_battery)
            assert await device.say("charge 10") == "OK 10 %"
            await eventually(lambda: readings.readings[-1].low_battery)
            assert await device.say("restore") == "OK"
            await eventually(lambda: not readings.readings[-1].on_battery)
            assert (await driver.test()).outcome is SelfTestOutcome.RUNNING
        assert await device.stop() == "stopped"


async def test_a_ups_that_is_on_battery_from_the_start(tmp_path: Path) -> None:
    readings = Readings()
    async with simulated(tmp_path, "ups", "--on-battery", "--drain", "50") as device:
        config = parse_ups(device.settings["UPS"]).model_copy(update={"poll_interval_s": 0.1})
        async with driven(registry.ups_declaration(config, readings)):
            await eventually(lambda: bool(readings.readings))
            assert readings.readings[0].on_battery
            await eventually(lambda: readings.readings[-1].low_battery)


async def test_a_panel(tmp_path: Path) -> None:
    pressed: list[str] = []

    async def on_button(event: ButtonEvent) -> None:
        if event.action is ButtonAction.PRESSED:
            pressed.append(event.name)

    async with simulated(tmp_path, "gpio") as device:
        config = GpioConfig.parse(device.settings["GPIO"])
        async with driven(registry.gpio_declaration(config, on_button)) as driver:
            assert await device.say("press stop") == "OK"
            await eventually(lambda: pressed == ["stop"])
            await driver.set_led("alarm", True)
            assert "alarm=on" in await device.say("lamps")
            assert await device.say("press nothing") == "ERR there is no nothing"
        assert await device.stop() == "stopped"


async def test_bad_days_come_again_and_again(tmp_path: Path) -> None:
    readings = Readings()
    options = ("--stall-every", "1", "--stall-for", "1")
    async with simulated(tmp_path, "ups", *options) as device:
        told = {"poll_interval_s": 0.05, "timeout_s": 0.2}
        config = parse_ups(device.settings["UPS"]).model_copy(update=told)
        driver = registry.ups_declaration(config, readings).build()
        task = SupervisedTask("ups", driver, backoff=QUICK)
        task.start()
        try:
            for _ in range(2):
                await task.wait_for_state(LinkState.CONNECTED, CONNECT_S)
                await asyncio.wait_for(task.expect(LinkState.LOST), CONNECT_S)
        finally:
            await task.stop()


async def test_a_closed_input_ends_nothing(tmp_path: Path) -> None:
    async with simulated(tmp_path, "gpio") as device:
        assert device.process.stdin is not None
        device.process.stdin.close()
        config = GpioConfig.parse(device.settings["GPIO"])

        async def nobody(_: ButtonEvent) -> None: ...

        async with driven(registry.gpio_declaration(config, nobody)):
            assert device.process.returncode is None
        assert await _stopped_without_input(device) == "stopped"


async def _stopped_without_input(device: Simulated) -> str:
    device.process.send_signal(signal.SIGTERM)
    async with asyncio.timeout(DEADLINE_S):
        last = await device.line()
        assert await device.process.wait() == 0
    return last


async def test_a_taken_place_is_told(tmp_path: Path) -> None:
    async with simulated(tmp_path, "ups") as device:
        port = str(device.settings["UPS"]["port"])
        done = await asyncio.to_thread(run_to_end, tmp_path, "simulate", "ups", "--port", port)
        assert done.returncode == 1
        assert done.stderr.startswith("No UPS by NUT here: ")
        assert "Traceback" not in done.stderr
    (tmp_path / "mine").touch()
    done = run_to_end(tmp_path, "simulate", "scanner", "--device", "mine")
    assert (done.returncode, "exists already" in done.stderr) == (1, True)
    assert (tmp_path / "mine").exists()


WRONG = (
    ("scanner", "--transport", "serial"),
    ("scanner", "--transport", "modbus", "--device", "x"),
    ("scanner", "--dial"),
    ("plc", "--protocol", "modbus-tcp", "--device", "x"),
    ("plc", "--protocol", "carrier-pigeon"),
    ("printer", "--media", "-1"),
    ("ups", "--charge", "120"),
)


@pytest.mark.parametrize("arguments", WRONG, ids=" ".join)
def test_wrong_options_are_told(tmp_path: Path, arguments: tuple[str, ...]) -> None:
    """By the command itself: nothing is started before its options are understood."""
    with chdir(tmp_path):
        done = CliRunner().invoke(app, ["simulate", *arguments])
    assert done.exit_code == 2
    assert "Usage: " in done.stderr
    assert "Traceback" not in done.stderr
    assert _left_in(tmp_path) == []


def test_a_process_ends_with_what_the_command_says(tmp_path: Path) -> None:
    done = run_to_end(tmp_path, "simulate", "gpio", "--port", "70000")
    assert (done.returncode, "Usage: " in done.stderr) == (2, True)
    assert "Traceback" not in done.stderr


def test_without_a_demo_there_is_nobody_to_tell(tmp_path: Path) -> None:
    done = run_to_end(tmp_path, "simulate", "tell", "--port", "9", "ups", "outage")
    assert (done.returncode, done.stdout) == (1, "")
    assert done.stderr.startswith("No demo's console on port 9")

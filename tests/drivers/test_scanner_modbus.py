"""Scanners that are read over Modbus: each code once, however the counter moves."""

import asyncio
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass
from tempfile import TemporaryDirectory
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from domain.kernel.clock import SystemClock
from domain.kernel.errors import Unavailable, ValidationFailed
from drivers.connections import Connections
from drivers.exclusive import refuse_shared
from drivers.link import LinkState, StateChange
from drivers.plcs.modbus.driver import build
from drivers.plcs.port import parse_plcs, plc_claims
from drivers.plcs.tags import TagBinding
from drivers.scanners.modbus import modbus_scanner
from drivers.scanners.modbus_code import as_registers, code, layout, step
from drivers.scanners.modbus_settings import ModbusScanner
from drivers.scanners.modbus_simulator import ModbusScannerSimulator, ModbusScannerSimulatorConfig
from drivers.scanners.port import ScannerConfig, parse_scanners, scanner_claims
from drivers.supervised import SupervisedTask
from tests.support.plcs import Told
from tests.support.scanners import QUICK, Sink, milk
from tests.support.waiting import DEADLINE_S, eventually

TIMEOUT_S = 0.3
NEAR: dict[str, Any] = {}
APART = {"counter_address": "input:3", "length_address": "holding:9", "data_address": "holding:80"}
ENDED = {"length_address": None, "max_length": 41, "byte_order": "LITTLE"}
HANDSHAKE = {"acknowledge_address": "holding:200"}
LAYOUTS = [NEAR, APART, ENDED, HANDSHAKE]
LANES = ["SOCKET", "RTU", "serial"]
every_layout = pytest.mark.parametrize("registers", LAYOUTS, ids=["near", "apart", "ended", "ack"])
every_lane = pytest.mark.parametrize("lane", LANES)


@dataclass
class Line:
    simulator: ModbusScannerSimulator
    task: SupervisedTask
    sink: Sink
    changes: list[StateChange]
    connections: Connections
    config: ScannerConfig

    def counter(self, name: str) -> int:
        return self.task.driver.counters()[name]

    def states(self) -> list[LinkState]:
        return [change.state for change in self.changes]

    async def lost(self) -> None:
        """Waits for the next loss: begin waiting before what brings it about."""
        await asyncio.wait_for(self.task.expect(LinkState.LOST), DEADLINE_S)

    async def connected(self) -> None:
        await self.task.wait_for_state(LinkState.CONNECTED, DEADLINE_S)


def scanner_config(host: str, port: int, registers: dict[str, Any], **more: Any) -> ScannerConfig:
    quick = {"timeout_s": TIMEOUT_S, "poll_interval_s": 0.005, **registers}
    given = {"index": 3, "name": "infeed", "transport": "MODBUS", "host": host, "port": port}
    return parse_scanners([{**given, "modbus": quick, **more}])[0]


@asynccontextmanager
async def rig(
    lane: str = "SOCKET",
    registers: dict[str, Any] | None = None,
    codes: Sequence[str | None] = (),
    *,
    sink: Sink | None = None,
    played: dict[str, Any] | None = None,
) -> AsyncIterator[Line]:
    """Connected when entered."""
    with TemporaryDirectory() as folder:
        tty, framer = f"{folder}/tty", "RTU" if lane == "serial" else lane
        device = {"framer": framer, "device": tty if lane == "serial" else None}
        own = {**(registers or {}), "framer": framer}
        given = {"registers": own, "device": device, "rate": None, "seed": 7, **(played or {})}
        config = ModbusScannerSimulatorConfig.model_validate(given)
        async with ModbusScannerSimulator(config, codes) as simulator:
            port = simulator.device.port
            settings = scanner_config("127.0.0.1", port, own)
            if lane == "serial":
                line = {"serial": {"device": tty, "baudrate": 115200}}
                settings = scanner_config("", 0, {**own, **line})
            async with _driven(simulator, settings, sink or Sink()) as found:
                yield found


@asynccontextmanager
async def _driven(
    simulator: ModbusScannerSimulator, config: ScannerConfig, sink: Sink
) -> AsyncIterator[Line]:
    changes, connections = list[StateChange](), Connections()

    async def record(change: StateChange) -> None:
        changes.append(change)

    driver = modbus_scanner(config, sink, connections, SystemClock())
    task = SupervisedTask(config.key, driver, backoff=QUICK, on_transition=record)
    task.start()
    try:
        await task.wait_for_state(LinkState.CONNECTED, DEADLINE_S)
        yield Line(simulator, task, sink, changes, connections, config)
    finally:
        await task.stop()


@every_lane
@every_layout
async def test_reads_codes_in_order(lane: str, registers: dict[str, Any]) -> None:
    async with rig(lane, registers, milk(30)) as line:
        await line.sink.count(30)
        assert line.sink.texts == milk(30)
        assert (line.counter("readings"), line.counter("missed")) == (30, 0)
        last = line.sink.readings[-1]
        assert (last.scanner_index, last.no_read) == (3, False)
        assert line.task.snapshot().readings == 30


@every_layout
async def test_a_counter_that_begins_anew_after_its_last(registers: dict[str, Any]) -> None:
    async with rig("SOCKET", registers, milk(20), played={"first_counter": 65530}) as line:
        await line.sink.count(20)
        assert line.sink.texts == milk(20)
        assert (line.counter("missed"), line.counter("restarts")) == (0, 0)


@every_layout
async def test_no_reads(registers: dict[str, Any]) -> None:
    async with rig("SOCKET", registers, [None, "4607"]) as line:
        await line.sink.has("4607")
        assert [reading.no_read for reading in line.sink.readings] == [True, False]


async def test_what_stands_there_at_first_is_old() -> None:
    async with rig(played={"first_counter": 7}) as line:
        await line.simulator.emit("new")
        await line.sink.has("new")
        assert line.sink.texts == ["new"]


@every_layout
async def test_a_cut_neither_loses_nor_doubles(registers: dict[str, Any]) -> None:
    async with rig("SOCKET", registers) as line:
        for turn in range(5):
            await line.simulator.emit(f"before {turn}")
            await line.sink.has(f"before {turn}")
            waiting = asyncio.create_task(line.lost())
            await asyncio.sleep(0)
            await line.simulator.device.refuse()
            await waiting
            showing = asyncio.create_task(line.simulator.emit(f"while away {turn}"))
            await line.simulator.device.accept()
            await line.connected()
            await showing
            await line.sink.has(f"while away {turn}")
        assert line.sink.texts == [f"{w} {t}" for t in range(5) for w in ("before", "while away")]
        assert line.counter("missed") == 0


@pytest.mark.parametrize("registers", [NEAR, APART, ENDED], ids=["near", "apart", "ended"])
async def test_missed_codes_are_counted(registers: dict[str, Any]) -> None:
    async with rig("SOCKET", registers, played={"rate": 0}) as line:
        line.simulator.device.stall()
        waiting = asyncio.create_task(line.lost())
        await asyncio.sleep(0)
        await waiting
        for at in range(5):
            await line.simulator.emit(f"code {at}")
        line.simulator.device.resume()
        await line.connected()
        await line.sink.has("code 4")
        assert line.sink.texts == ["code 4"]
        assert line.counter("missed") == 4


async def test_a_scanner_that_starts_anew() -> None:
    async with rig(played={"first_counter": 500, "rate": 0}) as line:
        await line.simulator.restart()
        await eventually(lambda: line.counter("restarts") == 1)
        await line.simulator.emit("first")
        await line.sink.has("first")
        assert line.sink.texts == ["first"]
        assert line.counter("missed") == 0


async def test_a_longer_code_than_there_is_room_for() -> None:
    async with rig("SOCKET", {"max_length": 8}, ["too long for it", "4607"]) as line:
        await line.sink.has("4607")
        assert line.sink.texts == ["4607"]
        assert line.counter("overlong") == 1


async def test_acknowledged_once_handled() -> None:
    sink = Sink()
    sink.gate.clear()
    async with rig("SOCKET", HANDSHAKE, milk(3), sink=sink) as line:
        await sink.count(1)
        polled = len(line.simulator.device.asked)
        await eventually(lambda: len(line.simulator.device.asked) > polled + 10)
        assert (sink.texts, line.simulator.sent_count) == (milk(1), 1)
        sink.gate.set()
        await sink.count(3)
        assert sink.texts == milk(3)


async def test_a_reading_that_fails_is_acknowledged_all_the_same() -> None:
    """Its scanner would wait for ever, and the line with it."""

    class Failing(Sink):
        async def __call__(self, reading: Any) -> bool | None:
            await super().__call__(reading)
            raise Unavailable("no room")

    async with rig("SOCKET", HANDSHAKE, milk(3), sink=Failing()) as line:
        await line.sink.count(3)
        await eventually(lambda: line.counter("refused") == 3)


async def test_what_was_not_acknowledged_is_read_by_the_next_driver() -> None:
    sink = Sink()
    sink.gate.clear()
    async with rig("SOCKET", HANDSHAKE, sink=sink) as line:
        await line.simulator.emit("pending")
        await sink.count(1)
        fresh = Sink()
        async with _driven(line.simulator, line.config, fresh):
            await fresh.has("pending")
        sink.gate.set()
    async with _answered_before() as again:
        await again.simulator.emit("new")
        await again.sink.has("new")
        assert again.sink.texts == ["new"]


@asynccontextmanager
async def _answered_before() -> AsyncIterator[Line]:
    """All that the scanner shows has been acknowledged."""
    async with rig("SOCKET", HANDSHAKE, ["old"]) as line:
        await line.sink.has("old")
        await eventually(lambda: line.simulator.acknowledged == line.simulator.counter)
        async with _driven(line.simulator, line.config, Sink()) as again:
            yield again


@every_lane
@pytest.mark.parametrize("fault", ["stall", "garbage", "abandon", "late"])
async def test_faults_and_recovery(lane: str, fault: str) -> None:
    async with rig(lane) as line:
        await line.simulator.emit("before")
        await line.sink.has("before")
        device = line.simulator.device
        waiting = asyncio.create_task(line.lost())
        await asyncio.sleep(0)
        if fault == "stall":
            device.stall()
        elif fault == "abandon":
            await device.abandon()
        device.faults.garbage = fault == "garbage"
        device.faults.delay_s = 1.3 * TIMEOUT_S if fault == "late" else 0
        await waiting
        device.resume()
        device.faults.garbage, device.faults.delay_s = False, 0
        await line.connected()
        await line.simulator.emit("after")
        await line.sink.has("after")
        assert line.sink.texts == ["before", "after"]
        assert line.counter("missed") == 0


async def test_a_unit_without_those_registers_is_lost_and_says_so() -> None:
    async with rig("SOCKET", {"max_length": 20}) as line:
        far = {"counter_address": "input:9999"}
        config = scanner_config("127.0.0.1", line.simulator.device.port, far, name="far", index=4)
        driver = modbus_scanner(config, Sink(), Connections(), SystemClock())
        task = SupervisedTask("far", driver, backoff=QUICK)
        task.start()
        await task.wait_for_state(LinkState.LOST, DEADLINE_S)
        assert "illegal address" in str(task.snapshot().last_error)
        await task.stop()


@every_lane
async def test_one_connection_with_a_plc(lane: str) -> None:
    async with rig(lane, codes=milk(20)) as line:
        endpoint = line.config.modbus_endpoint(_settings(line.config))
        where = {"host": endpoint.host, "port": endpoint.port}
        serial = endpoint.serial.model_dump() if endpoint.serial else None
        plain = {"protocol": "MODBUS_TCP" if lane == "SOCKET" else "MODBUS_RTU"}
        given = {"id": "press", **plain, **where, "modbus": {"serial": serial}}
        [config] = parse_plcs([given])
        refuse_shared([*scanner_claims([line.config]), *plc_claims([config])])
        tag = TagBinding(name="reject", plc="press", address="coil:3", poll_interval_s=0.01)
        plc = build(config, [tag], Told(), line.connections, SystemClock())
        task = SupervisedTask("press", plc, backoff=QUICK)
        task.start()
        await task.wait_for_state(LinkState.CONNECTED, DEADLINE_S)
        for value in (True, False, True):
            assert (await plc.write("reject", value)).value is value
        await line.sink.count(20)
        assert line.sink.texts == milk(20)
        assert line.simulator.device.calls == 1
        await task.stop()


def _settings(config: ScannerConfig) -> ModbusScanner:
    assert config.modbus is not None
    return config.modbus


@given(st.integers(0, 0xFFFF), st.integers(0, 0x7FFF))
def test_what_a_counter_tells(last: int, codes: int) -> None:
    moved = step(last, (last + codes) & 0xFFFF)
    assert (moved.new, moved.missed, moved.restarted) == (codes > 0, max(0, codes - 1), False)


@given(st.binary(max_size=60), st.integers(1, 60), st.sampled_from(["BIG", "LITTLE"]))
def test_a_code_comes_back_from_its_registers(data: bytes, most: int, order: str) -> None:
    settings = ModbusScanner.model_validate({"max_length": most, "byte_order": order})
    registers = as_registers(settings, data[:most])
    assert len(registers) == 2 * settings.data_registers
    assert code(settings, registers, len(data)) == (data if len(data) <= most else None)
    assert code(settings, registers, None) == data[:most].split(b"\0")[0]


def test_a_code_near_its_counter_is_read_in_one_request() -> None:
    assert layout(ModbusScanner()).whole is not None
    assert layout(ModbusScanner.model_validate(APART)).whole is None
    assert layout(ModbusScanner(data_address="holding:100", max_length=60)).whole is None


@pytest.mark.parametrize(
    ("wrong", "field"),
    [
        ({"modbus": None}, "scanners.0.modbus"),
        ({"host": ""}, "scanners.0.modbus"),
        ({"modbus": {"serial": {"device": "/dev/ttyS1"}}}, "scanners.0.modbus"),
        ({"modbus": {"framer": "RTU", "unit_id": 0}}, "scanners.0.modbus"),
        ({"modbus": {"counter_address": "coil:1"}}, "scanners.0.modbus.counter_address"),
        ({"modbus": {"counter_address": "holding:70000"}}, "scanners.0.modbus"),
        ({"modbus": {"data_address": "holding:65530"}}, "scanners.0.modbus"),
        ({"modbus": {"acknowledge_address": "input:1"}}, "scanners.0.modbus.acknowledge_address"),
        ({"modbus": {"max_length": 300}}, "scanners.0.modbus.max_length"),
        ({"modbus": {}, "reply_good": "ok"}, "scanners.0.reply_good"),
    ],
)
def test_wrong_settings_are_named(wrong: dict[str, Any], field: str) -> None:
    given = {"index": 0, "name": "a", "transport": "MODBUS", "host": "10.0.0.7", "modbus": {}}
    with pytest.raises(ValidationFailed) as refused:
        parse_scanners([{**given, **wrong}])
    assert refused.value.details["field"] == field

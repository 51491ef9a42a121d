"""What is refused, and which field is named."""

import json
import re
from pathlib import Path
from typing import Any

import pytest

from domain.kernel.errors import ValidationFailed
from drivers import registry
from drivers.configuration import from_wire, to_wire
from drivers.exclusive import Claim, refuse_shared, serial_device
from drivers.scanners.port import Reading, ScannerConfig, parse_scanners, scanner_claims
from drivers.scanners.profiles import PROFILES, ScannerModel

GOOD: dict[str, Any] = {"index": 0, "name": "infeed", "host": "10.0.0.7", "port": 23}
WAND: dict[str, Any] = {"transport": "USB_HID", "usb_hid": {"device": "/dev/input/event0"}}
LINE: dict[str, Any] = {"transport": "SERIAL", "serial": {"device": "/dev/ttyUSB0"}}


async def ignore(_: Reading) -> bool | None:
    return None


def refused(data: dict[str, Any]) -> str:
    with pytest.raises(ValidationFailed) as caught:
        ScannerConfig.parse({**GOOD, **data})
    return str(caught.value.details["field"])


@pytest.mark.parametrize(
    ("wrong", "field"),
    [
        ({"port": 0}, "port"),
        ({"port": 70000}, "port"),
        ({"host": ""}, "host"),
        ({"index": -1}, "index"),
        ({"name": ""}, "name"),
        ({"transport": "CARRIER_PIGEON"}, "transport"),
        ({"model": "UNKNOWN"}, "model"),
        ({"model": ["GENERIC"]}, "model"),
        ({"role": "NONE"}, "role"),
        ({"mode": "both"}, "mode"),
        ({"typo": 1}, "typo"),
        ({"framing": 5}, "framing"),
        ({"framing": {"typo": 1}}, "framing.typo"),
        ({"framing": {"ends": []}}, "framing"),
        ({"framing": {"ends": ["\\q"]}}, "framing.ends.0"),
        ({"framing": {"start": "\u0416"}}, "framing.start"),
        ({"framing": {"start": "\\r", "ends": ["\\r\\n"]}}, "framing"),
        ({"framing": {"start": "\\x02", "quiet_gap_s": 1}}, "framing"),
        ({"framing": {"max_frame": 10**9}}, "framing.max_frame"),
        ({"framing": {"encoding": "utf-7"}}, "framing.encoding"),
        ({"framing": {"heartbeat": {"header": "H", "terminator": "H"}}}, "framing.heartbeat"),
        ({"framing": {"heartbeat": {"header": "H", "terminator": "1"}}}, "framing.heartbeat"),
        ({"allowed_peers": ["nowhere"]}, "allowed_peers.0"),
        ({"max_in_flight": 0}, "max_in_flight"),
        ({"transport": "SERIAL"}, "serial"),
        ({"transport": "SERIAL", "serial": {}}, "serial.device"),
        ({"serial": {"device": "ttyS0"}}, "serial.device"),
        ({"serial": {"device": "/dev/tty\0S0"}}, "serial.device"),
        ({"serial": {"device": "socket://10.0.0.1:1"}}, "serial.device"),
        ({"serial": {"device": "/dev/ttyS0", "baudrate": 0}}, "serial.baudrate"),
        ({"serial": {"device": "/dev/ttyS0", "parity": "X"}}, "serial.parity"),
        ({"serial": {"device": "/dev/ttyS0", "bytesize": 9}}, "serial.bytesize"),
        ({"serial": {"device": "/dev/ttyS0", "stopbits": 3}}, "serial.stopbits"),
        ({"serial": {"device": "/dev/ttyS0", "typo": 1}}, "serial.typo"),
        ({"transport": "USB_HID"}, "usb_hid"),
        ({"usb_hid": {"device": "../event0"}}, "usb_hid.device"),
        ({"usb_hid": {"device": "/dev/hidraw0", "protocol": "MOUSE"}}, "usb_hid.protocol"),
        ({"usb_hid": {"device": "/dev/input/event0", "ends": []}}, "usb_hid.ends"),
        ({"usb_hid": {"device": "/dev/input/event0", "ends": ["F1"]}}, "usb_hid.ends.0"),
        ({**WAND, "reply_good": "+"}, "reply_good"),
        ({**WAND, "framing": {"heartbeat": {"header": "H", "terminator": "T"}}}, "framing"),
    ],
)
def test_wrong_setting_is_named(wrong: dict[str, Any], field: str) -> None:
    assert refused(wrong) == field


def test_framing_left_unsaid_is_the_model_s() -> None:
    config = ScannerConfig.parse(
        {**GOOD, "model": "DATALOGIC_MATRIX", "framing": {"list_separator": ","}}
    )
    expected = PROFILES[ScannerModel.DATALOGIC_MATRIX].model_copy(update={"list_separator": b","})
    assert config.framing == expected


def test_either_spelling_will_do() -> None:
    camel = {"maxFrame": 99, "heartbeat": {"header": "H", "terminator": "T", "intervalS": 1}}
    snake = {"max_frame": 99, "heartbeat": {"header": "H", "terminator": "T", "interval_s": 1}}
    assert ScannerConfig.parse({**GOOD, "framing": camel, "maxInFlight": 1}) == ScannerConfig.parse(
        {**GOOD, "framing": snake, "max_in_flight": 1}
    )
    assert ScannerConfig.parse(
        {"index": 0, "name": "wand", "transport": "USB_HID", "usbHid": WAND["usb_hid"]}
    ) == ScannerConfig.parse({"index": 0, "name": "wand", **WAND})


def test_settings_survive_json() -> None:
    config = ScannerConfig.parse(
        {
            **GOOD,
            "model": "DATALOGIC_MATRIX",
            "reply_good": "\\x06",
            "framing": {
                "gs_substitute": "\\\\x1d",
                "heartbeat": {"header": "H", "terminator": "\n"},
            },
        }
    )
    assert config.reply_good == b"\x06"
    assert config.framing.gs_substitute == b"\\x1d"
    assert ScannerConfig.model_validate_json(config.model_dump_json()) == config
    assert ScannerConfig.parse(config.model_dump()) == config


@pytest.mark.parametrize("data", [bytes(range(256)), b"", b"\\x41"])
def test_wire_bytes_round_trip(data: bytes) -> None:
    assert to_wire(from_wire(data)) == data


def test_transport_without_driver_is_refused_by_name() -> None:
    with pytest.raises(ValidationFailed) as caught:
        registry.factory_for(registry.DeviceKind.SCANNER, "CARRIER_PIGEON")
    assert caught.value.details["field"] == "transport"
    assert {"TCP", "SERIAL", "USB_HID"} <= set(registry.transports(registry.DeviceKind.SCANNER))


@pytest.mark.parametrize("data", [LINE, WAND])
def test_a_device_needs_no_host_and_is_its_own_address(data: dict[str, Any]) -> None:
    config = ScannerConfig.parse({"index": 0, "name": "infeed", **data})
    part = config.serial or config.usb_hid
    assert part is not None
    assert config.address == part.device
    assert ScannerConfig.model_validate_json(config.model_dump_json()) == config


@pytest.mark.parametrize(
    ("given", "path"),
    [
        ("/dev/input/../hidraw0", "/dev/hidraw0"),
        ("//dev//input/event3", "/dev/input/event3"),
        ("usb-Datalogic_Gryphon-event-kbd", "/dev/input/by-id/usb-Datalogic_Gryphon-event-kbd"),
    ],
)
def test_devices_have_one_spelling(given: str, path: str) -> None:
    config = ScannerConfig.parse({**GOOD, **WAND, "usb_hid": {"device": given}})
    assert config.address == path


def test_settings_of_another_transport_have_no_effect() -> None:
    parked = [{**GOOD, "serial": LINE["serial"]}, {**GOOD, **LINE, "index": 1, "name": "outfeed"}]
    assert [config.address for config in parse_scanners(parked)] == ["10.0.0.7:23", "/dev/ttyUSB0"]


@pytest.mark.parametrize(
    ("part", "field"),
    [
        ({**LINE}, "scanners.1.serial.device"),
        ({**LINE, "serial": {"device": "/dev//ttyUSB0"}}, "scanners.1.serial.device"),
        ({**WAND}, "scanners.1.usb_hid.device"),
    ],
)
def test_one_device_is_used_by_one_scanner(part: dict[str, Any], field: str) -> None:
    first = {"index": 0, "name": "infeed", **(LINE if "serial" in part else WAND)}
    with pytest.raises(ValidationFailed) as caught:
        parse_scanners([first, {"index": 1, "name": "outfeed", **part}])
    assert caught.value.details["field"] == field
    assert "infeed" in str(caught.value)


def test_a_serial_device_is_claimed_against_other_kinds() -> None:
    [scanner] = parse_scanners([{"index": 0, "name": "infeed", **LINE}])
    plc = Claim(serial_device("/dev/ttyUSB0"), "plcs.0.serial.device", "press")
    with pytest.raises(ValidationFailed) as caught:
        refuse_shared([*scanner_claims([scanner]), plc])
    assert caught.value.details["field"] == "plcs.0.serial.device"


def test_users_of_one_bus_may_share_it() -> None:
    def claim(owner: str, sharing: str | None) -> Claim:
        return Claim(serial_device("/dev/ttyS0"), f"{owner}.serial.device", owner, sharing)

    refuse_shared([claim("press", "modbus 9600"), claim("filler", "modbus 9600")])
    for other in ("modbus 19200", None):
        with pytest.raises(ValidationFailed) as caught:
            refuse_shared([claim("press", "modbus 9600"), claim("filler", other)])
        assert caught.value.details["field"] == "filler.serial.device"


@pytest.mark.parametrize(
    ("second", "field"),
    [
        ({"index": 0}, "scanners.1.index"),
        ({"name": "infeed"}, "scanners.1.name"),
        ({"host": "10.0.0.7"}, "scanners.1.port"),
        ({"port": "x"}, "scanners.1.port"),
    ],
)
def test_set_is_refused_whole(second: dict[str, Any], field: str) -> None:
    other = {"index": 1, "name": "outfeed", "host": "10.0.0.8", "port": 23, **second}
    with pytest.raises(ValidationFailed) as caught:
        parse_scanners([GOOD, other])
    assert caught.value.details["field"] == field


def test_more_than_ten_scanners_are_refused() -> None:
    eleven = [{**GOOD, "index": at, "name": f"s{at}", "port": 1 + at} for at in range(11)]
    assert len(parse_scanners(eleven[:10])) == 10
    with pytest.raises(ValidationFailed):
        parse_scanners(eleven)


@pytest.mark.parametrize("page", ["scanners-serial.md", "scanners-hid.md"])
def test_what_the_pages_show_is_accepted(page: str) -> None:
    text = (Path(__file__).parents[2] / "docs" / "drivers" / page).read_text()
    [shown] = re.findall(r"```json\n(.*?)```", text, flags=re.DOTALL)
    assert len(parse_scanners(json.loads(shown))) == 2

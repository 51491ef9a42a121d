"""What is refused of controllers and their tags, and which field is named."""

from typing import Any

import pytest

from domain.kernel.errors import ValidationFailed
from drivers.exclusive import Claim, refuse_shared, serial_device
from drivers.plcs.port import PlcConfig, parse_bindings, parse_plcs, plc_claims
from drivers.scanners.port import parse_scanners, scanner_claims

TCP: dict[str, Any] = {"id": "press", "protocol": "MODBUS_TCP", "host": "10.0.0.7"}
TTY: dict[str, Any] = {"device": "/dev/ttyUSB0", "baudrate": 19200}
RTU: dict[str, Any] = {"id": "drive", "protocol": "MODBUS_RTU", "modbus": {"serial": TTY}}
OVER_TCP: dict[str, Any] = {"id": "far", "protocol": "MODBUS_RTU", "host": "10.0.0.8", "port": 4001}
PROFINET: dict[str, Any] = {
    "id": "robot",
    "protocol": "PROFINET",
    "host": "10.0.0.9",
    "modbus": {"gateway": {"input_size": 8}},
}


def refused(*plcs: dict[str, Any]) -> tuple[str, str]:
    with pytest.raises(ValidationFailed) as caught:
        parse_plcs(plcs)
    return str(caught.value.details["field"]), str(caught.value.details["reason"])


@pytest.mark.parametrize("given", [TCP, RTU, OVER_TCP, PROFINET], ids=lambda given: given["id"])
def test_what_is_enough(given: dict[str, Any]) -> None:
    assert PlcConfig.parse(given).key == f"plc-{given['id']}"


def test_addresses_for_people() -> None:
    plcs = parse_plcs([TCP, RTU, OVER_TCP])
    assert [plc.address for plc in plcs] == ["10.0.0.7:502", "/dev/ttyUSB0", "10.0.0.8:4001"]


@pytest.mark.parametrize(
    ("given", "field", "reason"),
    [
        ({**TCP, "host": ""}, "host", "needed for MODBUS_TCP"),
        ({**TCP, "port": 70000}, "port", "65535"),
        ({**TCP, "protocol": "MODBUS_ASCII"}, "protocol", "MODBUS_TCP"),
        ({**TCP, "modbus": {"serial": TTY}}, "modbus", "serial: only for MODBUS_RTU"),
        ({**TCP, "modbus": {"unit_id": 256}}, "modbus.unit_id", "255"),
        ({**TCP, "modbus": {"unitId": -1}}, "modbus.unitId", "0"),
        ({**TCP, "modbus": {"typo": 1}}, "modbus.typo", "not permitted"),
        ({**TCP, "modbus": {"max_registers": 126}}, "modbus.max_registers", "125"),
        ({**TCP, "modbus": {"framer": "RTU", "unit_id": 0}}, "modbus", "unit_id: from 1 to 247"),
        ({**TCP, "timeout_s": 0}, "timeout_s", "0"),
        ({**RTU, "modbus": {}}, "modbus", "serial: needed"),
        ({**RTU, "host": "10.0.0.7", "port": 1}, "modbus", "serial: either this or a host"),
        ({**RTU, "modbus": {"serial": TTY, "framer": "SOCKET"}}, "modbus", "framer"),
        ({**RTU, "modbus": {"serial": TTY, "unit_id": 248}}, "modbus", "unit_id: from 1 to 247"),
        ({**RTU, "modbus": {"serial": {**TTY, "bytesize": 7}}}, "modbus.serial", "bytesize: 8"),
        ({**RTU, "modbus": {"serial": {**TTY, "xonxoff": True}}}, "modbus.serial", "xonxoff"),
        ({**RTU, "modbus": {"serial": {"device": "COM1"}}}, "modbus.serial.device", "absolute"),
        ({**OVER_TCP, "port": 0}, "port", "needed"),
        ({**PROFINET, "modbus": {}}, "modbus", "gateway: needed for PROFINET"),
        (
            {**PROFINET, "modbus": {"gateway": {"input_base": 65535, "input_size": 4}}},
            "modbus.gateway",
            "input_size: goes beyond",
        ),
    ],
)
def test_wrong_settings_are_named(given: dict[str, Any], field: str, reason: str) -> None:
    found, why = refused(given)
    assert found == f"plcs.0.{field}"
    assert reason in why


def test_units_share_a_line_that_they_speak_to_in_the_same_way() -> None:
    other = {**RTU, "id": "second", "modbus": {"serial": TTY, "unit_id": 2}}
    assert len(parse_plcs([RTU, other])) == 2
    faster = {"serial": {**TTY, "baudrate": 9600}, "unit_id": 2}
    field, why = refused(RTU, {**other, "modbus": faster})
    assert field == "plcs.1.modbus.serial.device"
    assert why == "already used by drive, with other settings"


def test_units_share_an_address_that_they_speak_to_in_the_same_way() -> None:
    other = {**TCP, "id": "second", "modbus": {"unit_id": 2}}
    assert len(parse_plcs([TCP, other])) == 2
    field, _ = refused(TCP, {**other, "port": 502, "modbus": {"framer": "RTU"}})
    assert field == "plcs.1.port"


def test_a_line_is_claimed_against_other_kinds() -> None:
    plcs = plc_claims(parse_plcs([RTU]))
    scanner = Claim(serial_device("/dev/ttyUSB0"), "scanners.0.serial.device", "infeed")
    with pytest.raises(ValidationFailed) as caught:
        refuse_shared([*plcs, scanner])
    assert caught.value.details["field"] == "scanners.0.serial.device"


def test_a_modbus_scanner_shares_a_line_with_controllers() -> None:
    modbus = {"serial": TTY, "unit_id": 3}
    given = {"index": 0, "name": "infeed", "transport": "MODBUS", "modbus": modbus}
    scanners = parse_scanners([given])
    refuse_shared([*plc_claims(parse_plcs([RTU])), *scanner_claims(scanners)])
    assert scanners[0].address == "/dev/ttyUSB0"


@pytest.mark.parametrize(
    ("given", "field"),
    [
        ({"name": "1st"}, "bindings.0.name"),
        ({"plc": "other"}, "bindings.0.plc"),
        ({"address": ""}, "bindings.0.address"),
        ({"type": "WORD"}, "bindings.0.type"),
        ({"type": "INT", "scale": 0}, "bindings.0"),
        ({"type": "STRING"}, "bindings.0"),
        ({"poll_interval_s": 0.001}, "bindings.0.poll_interval_s"),
    ],
)
def test_wrong_bindings_are_named(given: dict[str, Any], field: str) -> None:
    plcs = parse_plcs([TCP])
    binding = {"name": "tag", "plc": "press", "address": "coil:1", **given}
    with pytest.raises(ValidationFailed) as caught:
        parse_bindings([binding], plcs)
    assert caught.value.details["field"] == field

"""What is refused, and which field is named; what a configuration means."""

import subprocess
import sys
from typing import Any

import pytest

from domain.kernel.errors import ValidationFailed
from drivers.ups.factory import parse_ups, ups_driver
from drivers.ups.port import UpsConfig, UpsReading

GOOD: dict[str, Any] = {"host": "192.0.2.7"}
V3: dict[str, Any] = {"version": "3", "username": "u"}


async def ignore(_: UpsReading) -> None:
    return None


@pytest.mark.parametrize(
    ("wrong", "field"),
    [
        ({"host": ""}, "ups.host"),
        ({"port": 0}, "ups.port"),
        ({"port": 70000}, "ups.port"),
        ({"protocol": "MODBUS"}, "ups.protocol"),
        ({"ups": "two words"}, "ups.ups"),
        ({"ups": "a\nLOGOUT"}, "ups.ups"),
        ({"username": "a\nLOGOUT"}, "ups.username"),
        ({"username": "u", "password": "p\nINSTCMD"}, "ups.password"),
        ({"username": "u", "password": "\u0416"}, "ups.password"),
        ({"password": "for nobody"}, "ups.password"),
        ({"poll_interval_s": 0}, "ups.poll_interval_s"),
        ({"timeout_s": 0}, "ups.timeout_s"),
        ({"low_battery_percent": 100}, "ups.low_battery_percent"),
        ({"shutdown_after_on_battery_s": -1}, "ups.shutdown_after_on_battery_s"),
        ({"test_wait_s": 3600}, "ups.test_wait_s"),
        ({"typo": 1}, "ups.typo"),
        ({"snmp": {"version": "1"}}, "ups.snmp.version"),
        ({"snmp": {"community": ""}}, "ups.snmp.community"),
        ({"snmp": {"version": "3"}}, "ups.snmp.username"),
        ({"snmp": {**V3, "auth_key": "short"}}, "ups.snmp.auth_key"),
        ({"snmp": {**V3, "privacy_key": "long enough"}}, "ups.snmp.privacy_key"),
        ({"snmp": {**V3, "auth_protocol": "ROT13"}}, "ups.snmp.auth_protocol"),
    ],
)
def test_wrong_setting_is_named(wrong: dict[str, Any], field: str) -> None:
    with pytest.raises(ValidationFailed) as caught:
        parse_ups({**GOOD, **wrong})
    assert caught.value.details["field"] == field
    assert "for nobody" not in str(caught.value)


def test_host_is_needed() -> None:
    with pytest.raises(ValidationFailed) as caught:
        parse_ups({})
    assert caught.value.details["field"] == "ups.host"


def test_port_left_out_is_the_protocol_s() -> None:
    assert parse_ups(GOOD).address == "192.0.2.7:3493"
    assert parse_ups({**GOOD, "protocol": "SNMP"}).address == "192.0.2.7:161"
    assert parse_ups({**GOOD, "port": 1}).address == "192.0.2.7:1"
    assert parse_ups(GOOD).key == "ups"


def test_secrets_are_not_shown() -> None:
    snmp = {**V3, "auth_key": "correct horse", "privacy_key": "battery staple", "community": "com"}
    config = parse_ups({**GOOD, "username": "u", "password": "hush hush", "snmp": snmp})
    shown = f"{config!r} {config} {config.model_dump_json()}"
    for secret in ("hush hush", "correct horse", "battery staple", "'com'"):
        assert secret not in shown


def test_without_its_library_snmp_is_refused_by_name(monkeypatch: pytest.MonkeyPatch) -> None:
    config = UpsConfig.parse({**GOOD, "protocol": "SNMP"})
    # As Python has it for what must not be found.
    monkeypatch.setitem(sys.modules, "pysnmp", None)
    for refused in (
        lambda: parse_ups({**GOOD, "protocol": "SNMP"}),
        lambda: ups_driver(config, ignore),
    ):
        with pytest.raises(ValidationFailed) as caught:
            refused()
        assert caught.value.details["field"] == "ups.protocol"
        assert "oktograph[snmp]" in str(caught.value)
    assert ups_driver(parse_ups(GOOD), ignore).reading is None


def test_libraries_are_loaded_by_the_first_attempt_only() -> None:
    """By a process of its own: this one has long loaded them."""
    script = (
        "import sys\n"
        "from drivers.ups.factory import parse_ups, ups_driver\n"
        "for protocol in ('NUT', 'SNMP'):\n"
        "    ups_driver(parse_ups({'host': '192.0.2.7', 'protocol': protocol}), print)\n"
        "sys.exit(bool({'aionut', 'pysnmp'} & set(sys.modules)))\n"
    )
    subprocess.run([sys.executable, "-c", script], check=True, timeout=60)

"""What is refused, and which field is named."""

from typing import Any

import pytest

from domain.kernel.errors import ValidationFailed
from drivers import registry
from drivers.configuration import from_wire, to_wire
from drivers.scanners.port import Reading, ScannerConfig, parse_scanners
from drivers.scanners.profiles import PROFILES, ScannerModel

GOOD: dict[str, Any] = {"index": 0, "name": "infeed", "host": "10.0.0.7", "port": 23}


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
    config = ScannerConfig.parse({"index": 1, "name": "wand", "transport": "USB_HID"})
    with pytest.raises(ValidationFailed) as caught:
        registry.scanner(config, ignore)
    assert caught.value.details["field"] == "transport"
    assert "TCP" in registry.transports(registry.DeviceKind.SCANNER)


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

"""What is refused of a printer's settings, and which field is named."""

from typing import Any

import pytest

from domain.kernel.errors import ValidationFailed
from drivers.configuration import from_wire
from drivers.printers.port import (
    PrinterModel,
    TextPrinterConfig,
    ZplPrinterConfig,
    config_schemas,
    parameter_schemas,
    parse_printer,
    parse_printers,
)

GOOD: dict[str, Any] = {"index": 0, "name": "labels", "host": "192.0.2.7", "model": "ZPL"}


def refused(data: dict[str, Any]) -> str:
    with pytest.raises(ValidationFailed) as caught:
        parse_printer({**GOOD, **data})
    return str(caught.value.details["field"])


@pytest.mark.parametrize(
    ("wrong", "field"),
    [
        ({"model": "CARRIER_PIGEON"}, "model"),
        ({"model": ["ZPL"]}, "model"),
        ({"model": None}, "model"),
        ({"host": ""}, "host"),
        ({"host": None}, "host"),
        ({"port": 0}, "port"),
        ({"port": 70000}, "port"),
        ({"index": -1}, "index"),
        ({"name": ""}, "name"),
        ({"dpmm": 7}, "dpmm"),
        ({"dpi": 200}, "dpi"),
        ({"dpi": 203, "dpmm": 8}, "dpi"),
        ({"label_width_mm": 0}, "label_width_mm"),
        ({"label_height_mm": 10**6}, "label_height_mm"),
        ({"reply_timeout_s": 0}, "reply_timeout_s"),
        ({"poll_s": -1}, "poll_s"),
        ({"max_waiting": 0}, "max_waiting"),
        ({"typo": 1}, "typo"),
        ({"parameters": 5}, "parameters"),
        ({"parameters": {"typo": 1}}, "parameters.typo"),
        ({"parameters": {"host_status": "perhaps"}}, "parameters.host_status"),
        ({"model": "TSPL", "parameters": {"status_query": "BIT"}}, "parameters.status_query"),
        ({"model": "TSPL", "parameters": {"host_status": True}}, "parameters.host_status"),
        ({"model": "TEXT", "parameters": {"terminator": ""}}, "parameters"),
        ({"model": "TEXT", "parameters": {"terminator": "\\q"}}, "parameters.terminator"),
        ({"model": "TEXT", "parameters": {"acknowledge": ""}}, "parameters"),
        ({"model": "TEXT", "parameters": {"acknowledge": "E", "refuse": "ERR"}}, "parameters"),
        ({"model": "TEXT", "parameters": {"done": "ACK DONE"}}, "parameters"),
        ({"model": "TEXT", "parameters": {"unsolicited": ["A"]}}, "parameters"),
        ({"model": "TEXT", "parameters": {"separators": ""}}, "parameters"),
        ({"model": "TEXT", "parameters": {"start": "\\r"}}, "parameters"),
        (
            {"model": "TEXT", "parameters": {"terminator": ";", "print_command": "A;B"}},
            "parameters",
        ),
        ({"model": "TEXT", "parameters": {"print_command": "PRN\r"}}, "parameters.print_command"),
        (
            {"model": "TEXT", "parameters": {"status_command": "S", "reply_terminator": ""}},
            "parameters",
        ),
        (
            {"model": "TEXT", "parameters": {"status_rules": [{"condition": "NO", "text": "1"}]}},
            "parameters.status_rules.0.condition.",
        ),
        ({"model": "TEXT", "parameters": {"encoding": "utf-7"}}, "parameters.encoding"),
    ],
)
def test_wrong_setting_is_named(wrong: dict[str, Any], field: str) -> None:
    named = refused(wrong)
    assert named.startswith(field) if field.endswith(".") else named == field


@pytest.mark.parametrize(
    ("second", "field"),
    [
        ({"index": 0}, "printers.1.index"),
        ({"name": "labels"}, "printers.1.name"),
        ({"host": "192.0.2.7"}, "printers.1.port"),
        ({"host": "A.EXAMPLE", "model": "TEXT", "port": 0}, "printers.1.port"),
        ({"model": "NONE"}, "printers.1.model"),
    ],
)
def test_a_set_is_refused_whole(second: dict[str, Any], field: str) -> None:
    other = {"index": 1, "name": "coder", "host": "192.0.2.8", "model": "TSPL", **second}
    with pytest.raises(ValidationFailed) as caught:
        parse_printers([GOOD, other])
    assert caught.value.details["field"] == field


def test_at_most_ten() -> None:
    many = [{**GOOD, "index": at, "name": f"p{at}", "port": 9100 + at} for at in range(11)]
    assert len(parse_printers(many[:10])) == 10
    with pytest.raises(ValidationFailed) as caught:
        parse_printers(many)
    assert caught.value.details["field"] == "printers"


def test_what_is_left_out() -> None:
    config = parse_printer({"index": 0, "name": "labels", "host": "192.0.2.7"})
    assert isinstance(config, ZplPrinterConfig)
    assert (config.port, config.dpmm, config.key) == (9100, 8, "printer-0")
    assert (config.width_dots, config.height_dots) == (480, 320)


@pytest.mark.parametrize(("dpi", "dpmm"), [(152, 6), (203, 8), (300, 12), (600, 24)])
def test_resolution_as_printed_on_the_box(dpi: int, dpmm: int) -> None:
    assert parse_printer({**GOOD, "dpi": dpi}).dpmm == dpmm


def test_settings_survive_json() -> None:
    settings = {
        **GOOD,
        "model": "TEXT",
        "line_id": "line-001",
        "parameters": {"start": "\\x1b", "terminator": "\\x04", "done": "PRC", "separators": ","},
    }
    config = parse_printer(settings)
    assert isinstance(config, TextPrinterConfig)
    assert config.parameters.start == b"\x1b"
    assert from_wire(config.parameters.terminator) == "\\x04"
    assert parse_printer(config.model_dump(mode="json")) == config


def test_schemas_are_by_model() -> None:
    parameters, whole = parameter_schemas(), config_schemas()
    assert set(parameters) == set(whole) == set(PrinterModel)
    assert "hostStatus" in parameters["ZPL"]["properties"]
    assert "statusQuery" in parameters["TSPL"]["properties"]
    assert parameters["TEXT"]["properties"]["terminator"]["type"] == "string"
    assert "labelWidthMm" in whole["TEXT"]["properties"]

"""Templates as declared, and values as given: what is refused, and which field is named."""

from datetime import date
from typing import Any

import pytest

from domain.kernel.errors import ValidationFailed
from drivers.printers.port import parse_printer
from drivers.printers.templates import LabelTemplate, compile_template
from tests.support.printers import KINDS, MILK, template

ZPL = parse_printer({"index": 0, "name": "labels", "host": "192.0.2.7"})
TEXT = parse_printer({"index": 0, "name": "coder", "host": "192.0.2.7", "model": "TEXT"})


def field_of(body: str, *parameters: Any, name: str = "label") -> str:
    with pytest.raises(ValidationFailed) as caught:
        compile_template(
            LabelTemplate.parse({"name": name, "body": body, "parameters": list(parameters)}), ZPL
        )
    return str(caught.value.details["field"])


def label(text: str) -> str:
    return f"^XA^FO1,1^FD{text}^FS^XZ"


@pytest.mark.parametrize(
    "text",
    [
        "{{a",
        "a}}",
        "{{a}",
        "{a}}",
        "{{}}",
        "{{ }}",
        "{{a b}}",
        "{{1a}}",
        "{{a}}{{",
        "}}{{a}}",
        "{{{{a}}}}",
        "{{b}}",
        "{{a.b}}",
        "{{a\n}}x}}",
        "{{а}}",  # Cyrillic
        "{{a}}\ue000",
        "{{a}}\x1b",
        "{{a}}\x02",
    ],
)
def test_broken_placeholders(text: str) -> None:
    assert field_of(label(text), {"name": "a"}) == "body"


def test_the_line_of_a_broken_placeholder_is_told() -> None:
    with pytest.raises(ValidationFailed) as caught:
        compile_template(
            LabelTemplate.parse({"name": "label", "body": "^XA\n^FO1,1\n^FD{{b}}^FS^XZ"}), ZPL
        )
    assert caught.value.details["line"] == 3


@pytest.mark.parametrize(
    ("parameters", "field"),
    [
        (({"name": "a"}, {"name": "a"}), "configuration"),
        (({"name": "a"}, {"name": "b"}), "parameters.1.name"),
        (({"name": "a b"},), "parameters.0.name"),
        (({"name": "a", "type": "picture"},), "parameters.0.type"),
        (({"name": "a", "max_length": 0},), "parameters.0.max_length"),
        (({"name": "a", "typo": 1},), "parameters.0.typo"),
        (({"name": "a", "type": "number", "default": "x"},), "parameters.0.default"),
        (({"name": "a", "type": "gs1", "default": "x"},), "parameters.0.default"),
        (({"name": "a", "type": "date", "format": "%d%s"},), "parameters.0.format"),
        (({"name": "a", "default": "123", "max_length": 2},), "parameters.0.default"),
    ],
)
def test_wrong_declarations(parameters: tuple[Any, ...], field: str) -> None:
    assert field_of(label("{{a}}"), *parameters) == field


def test_a_template_s_own_name() -> None:
    assert field_of(label("x"), name="../label") == "name"


def test_braces_that_are_none() -> None:
    body = label("{ } {a} {{ name }}")
    declared = LabelTemplate.parse({"name": "x", "body": body, "parameters": [{"name": "name"}]})
    assert compile_template(declared, ZPL).render({"name": "N"}).content.count(b"FD{ } {a} N") == 1


def value_field(parameter: dict[str, Any], value: Any) -> str:
    declared = {"name": "label", "body": label("{{a}}"), "parameters": [{"name": "a", **parameter}]}
    compiled = compile_template(LabelTemplate.parse(declared), ZPL)
    with pytest.raises(ValidationFailed) as caught:
        compiled.render({} if value is ... else {"a": value})
    return str(caught.value.details["field"])


@pytest.mark.parametrize(
    ("parameter", "value"),
    [
        ({}, ...),
        ({}, None),
        ({}, ""),
        ({}, True),
        ({}, ["x"]),
        ({}, {"x": 1}),
        ({}, "two\nlines"),
        ({}, "\x1b!?"),
        ({}, "\x85"),
        ({}, "\u2028"),
        ({}, "\ud800"),
        ({"max_length": 3}, "four"),
        ({"type": "number"}, "1,5"),
        ({"type": "number"}, "1e5"),
        ({"type": "number"}, float("nan")),
        pytest.param({"type": "number"}, 10**5000, id="too large to be written"),
        ({"type": "number"}, "١٢"),
        ({"type": "quantity"}, 0),
        ({"type": "quantity"}, -1),
        ({"type": "quantity"}, 1.5),
        ({"type": "quantity"}, "1000000"),
        ({"type": "date"}, "31.12.2026"),
        ({"type": "date"}, "2026-02-30"),
        ({"type": "date"}, "today"),
        ({"type": "gs1"}, "hello"),
        ({"type": "gs1"}, "01046006050325412"),
        ({"type": "gs1"}, "0104612743890259215myD5zjR4XsKq91abcd92EHm7"),  # its GS were lost
        ({"type": "gs1"}, "010460060503254121^XZ"),
        ({"type": "gs1"}, "\x1d"),
    ],
)
def test_wrong_values(parameter: dict[str, Any], value: Any) -> None:
    assert value_field(parameter, value) == "params.a"


def test_unknown_parameter() -> None:
    compiled = compile_template(template("ZPL"), ZPL)
    with pytest.raises(ValidationFailed) as caught:
        compiled.render({"name": "x", "code": MILK, "typo": "y"})
    assert caught.value.details["field"] == "params.typo"


@pytest.mark.parametrize("copies", [0, -1, 10**6])
def test_wrong_copies(copies: int) -> None:
    compiled = compile_template(template("ZPL"), ZPL)
    with pytest.raises(ValidationFailed) as caught:
        compiled.render({"name": "x", "code": MILK}, copies=copies)
    assert caught.value.details["field"] == "copies"


@pytest.mark.parametrize(
    ("parameter", "value", "printed"),
    [
        ({}, 7, "7"),
        ({}, 1.5, "1.5"),
        ({"default": "d"}, None, "d"),
        ({"required": False}, None, ""),
        ({"type": "number"}, "-1.50", "-1.50"),
        ({"type": "quantity"}, 12, "12"),
        ({"type": "date"}, "2026-12-31", "2026-12-31"),
        ({"type": "date", "format": "%d.%m.%y"}, "2026-12-31T23:00:00Z", "31.12.26"),
        ({"type": "date", "format": "%y%m%d", "default": "today"}, None, "260102"),
        ({"type": "gs1"}, MILK, "(01)04600605032541(21)5B,LN)<(93)gJXT"),
        ({"type": "gs1"}, "]d2" + MILK.replace("\x1d", "<GS>"), None),
        ({"type": "gs1", "required": False}, None, ""),
    ],
)
def test_values_as_printed(parameter: dict[str, Any], value: Any, printed: str | None) -> None:
    coder = TEXT.model_copy(
        update={"parameters": TEXT.parameters.model_copy(update={"encoding": "utf-8"})}
    )
    declared = {"name": "l", "body": "SET|{{a}}", "parameters": [{"name": "a", **parameter}]}
    compiled = compile_template(LabelTemplate.parse(declared), coder)
    shown = MILK if parameter.get("type") == "gs1" and value else printed
    document = compiled.render({"a": value}, today=date(2026, 1, 2))
    assert document.content.decode() == f"SET|{shown}\r"
    if printed is not None:
        drawn = {"name": "l", "body": label("{{a}}"), "parameters": declared["parameters"]}
        on_label = compile_template(LabelTemplate.parse(drawn), ZPL)
        from drivers.printers.reading.zpl import read_zpl

        content = on_label.render({"a": value}, today=date(2026, 1, 2)).content
        assert read_zpl(content)[0].texts == [printed]


def test_every_kind_has_a_template() -> None:
    for kind in KINDS:
        assert template(kind.model).parameters

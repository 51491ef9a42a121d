"""Labels: templates that are kept, prints by every face, media that runs out, labels of batches."""

import asyncio
import base64
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack
from dataclasses import dataclass
from io import BytesIO
from pathlib import Path
from typing import Any

import pytest
import zxingcpp
from PIL import Image
from sqlalchemy import text as sql
from structlog.testing import capture_logs

from domain.line.alarms.models import AlarmKind
from drivers.printers.simulator import PrinterSimulator, PrinterSimulatorConfig
from oktograph.edge.labels import READER
from oktograph.edge.runtime import EdgeRuntime
from oktograph.web.edge import edge_app
from tests.support.edge import Client, EdgeFolders
from tests.support.served import serving
from tests.support.waiting import DEADLINE_S, eventually, until
from tests.support.whole_line import LINE, WholeLine, fresh, whole_line

Json = dict[str, Any]
PATH = "/api/v1/printers"
BOX = {
    "name": "default",
    "body": "^XA^PW480^LL320^FO16,16^A0N,24,24^FH\\^FD{{batch}}: {{count}}^FS"
    "^FO16,60^BXN,4,200,,,,_^FH\\^FD{{code}}^FS^XZ",
    "parameters": [{"name": "batch"}, {"name": "count", "required": False}, {"name": "code"}],
}
PRINT = {"printer": 0, "template": "default"}


@dataclass
class Place:
    whole: WholeLine
    printer: PrinterSimulator

    async def call(self, method: str, path: str, body: Any = None, status: int = 200) -> Any:
        answer = await self.whole.operator.http.request(method, f"{PATH}{path}", json=body)
        assert answer.status_code == status, answer.text
        found = answer.json()
        return found["data"] if status == 200 else found["error"]


@pytest.fixture
async def place(edge_folders: EdgeFolders, tmp_path: Path) -> AsyncIterator[Place]:
    async with AsyncExitStack() as stack:
        printer = await stack.enter_async_context(
            PrinterSimulator(PrinterSimulatorConfig(silent_when_held=False))
        )
        configured = {
            "index": 0,
            "name": "Boxes",
            "model": "ZPL",
            "host": "127.0.0.1",
            "port": printer.port,
            "pollS": 0.05,
            "jobTimeoutS": 1,
        }
        plan = {"printBatch": PRINT}
        whole = await stack.enter_async_context(
            whole_line(edge_folders, tmp_path, ["ADD"], plan, printers=[configured], pack_size=2)
        )
        found = Place(whole, printer)

        async def online() -> bool:
            return bool((await found.call("GET", "/0/status"))["online"])

        await until(online)
        yield found


def texts(printer: PrinterSimulator) -> list[str]:
    return [" ".join(label.texts) for label in printer.printed]


async def test_a_template_is_kept_printed_shown_and_removed(place: Place) -> None:
    made = await place.call("POST", "/0/templates", BOX)
    assert [one["name"] for one in made["parameters"]] == ["batch", "count", "code"]
    assert (await place.call("POST", "/0/templates", BOX, 409))["code"] == "CONFLICT"
    assert [one["name"] for one in await place.call("GET", "/0/templates")] == ["default"]
    done = await place.call(
        "POST", "/0/print", {"code": "^XZ~JA", "params": {"batch": "B-7", "count": 24}}
    )
    assert (done["template"], done["labels"]) == ("default", 1)
    [text] = texts(place.printer)
    assert "B-7: 24" in text
    asked = """query ($i: PrintInput!) { labelPreview(input: $i) { png notDrawn } }"""
    given = {"printer": 0, "code": "^XZ~JA", "params": {"batch": "B-7"}}
    shown = (await place.whole.operator.ask(asked, i=given))["labelPreview"]
    picture = Image.open(BytesIO(base64.b64decode(shown["png"]))).convert("L")
    matrices = zxingcpp.BarcodeFormats(zxingcpp.BarcodeFormat.DataMatrix)
    [read] = zxingcpp.read_barcodes(picture, formats=matrices)
    assert read.text == "^XZ~JA"  # a value is never a command
    changed = await place.call("PUT", "/0/templates/default", BOX | {"description": "boxes"})
    assert changed["description"] == "boxes"
    assert await place.call("DELETE", "/0/templates/default") == {"removed": "default"}
    await place.call("GET", "/0/templates/default", status=404)
    await place.call("DELETE", "/0/templates/default", status=404)


BROKEN = (
    ({"name": "a", "body": "^XA^FD{{batch^FS^XZ"}, "body"),
    ({"name": "a", "body": "^XA^FD{{nobody}}^FS^XZ"}, "body"),
    ({"name": "a/b", "body": "^XA^XZ"}, "name"),
    ({"name": "a", "body": ""}, "body"),
    ({"name": "a", "body": "^XA^XZ", "parameters": [{"name": "x", "type": "?"}]}, "parameters.0"),
    ({"name": "a", "body": "^XA^XZ", "colour": 1}, "colour"),
)


@pytest.mark.parametrize(("template", "field"), BROKEN)
async def test_a_broken_template_is_refused_and_nothing_is_kept(
    place: Place, template: Json, field: str
) -> None:
    refused = await place.call("POST", "/0/templates", template, 400)
    assert refused["details"]["field"].startswith(field), refused
    assert await place.call("GET", "/0/templates") == []


async def test_what_a_template_needs_must_be_given(place: Place) -> None:
    await place.call("POST", "/0/templates", BOX)
    refused = await place.call("POST", "/0/print", {"code": "x"}, 400)
    assert refused["details"]["field"] == "params.batch"
    refused = await place.call("POST", "/0/print", {"template": "none"}, 404)
    assert refused["code"] == "NOT_FOUND"
    assert (await place.call("POST", "/7/print", {"code": "x"}, 404))["code"] == "NOT_FOUND"
    assert place.printer.printed == []


async def test_a_full_batch_gets_its_label_even_if_the_printer_was_away(place: Place) -> None:
    await place.call("POST", "/0/templates", BOX)
    codes = fresh(4)
    first, second = codes[:2], codes[2:]
    for code in first:
        await place.whole.read("ADD", code)
    await until(lambda: _count(place, 1))
    assert ": 2" in texts(place.printer)[0]
    await until(lambda: _idle(place))
    await place.printer.refuse()
    await place.printer.cut()
    await place.whole.raises(AlarmKind.DEVICE_LOST, "printer-0")
    for code in second:
        await place.whole.read("ADD", code)
    await place.whole.scans(4)
    await place.printer.accept()
    await until(lambda: _count(place, 2))
    assert len({text.split(":")[0] for text in texts(place.printer)}) == 2


async def _idle(place: Place) -> bool:
    """The last job is confirmed, too."""
    return bool((await place.call("GET", "/0/status"))["jobsQueued"] == 0)


async def test_a_label_that_may_have_been_printed_is_not_printed_again(place: Place) -> None:
    await place.call("POST", "/0/templates", BOX)
    codes = fresh(4)
    first, second = codes[:2], codes[2:]
    for code in first:
        await place.whole.read("ADD", code)
    await place.printer.prints(1)
    await place.printer.refuse()
    await place.printer.cut()  # before it could say so

    async def told() -> bool:
        return await _asked_to_look(place.whole.operator)

    await until(told)
    await place.printer.accept()
    for code in second:
        await place.whole.read("ADD", code)
    await until(lambda: _count(place, 2))
    assert len({text.split(":")[0] for text in texts(place.printer)}) == 2


async def test_a_label_on_its_way_is_printed_once_though_the_lines_change(place: Place) -> None:
    codes = await _label_on_its_way(place)
    changing = asyncio.create_task(_change_lines(place))
    reader = _reader()
    await eventually(lambda: reader.done() or reader.cancelling() > 0)
    place.printer.go_on()
    async with asyncio.timeout(DEADLINE_S):
        await changing
    for code in codes:
        await place.whole.read("ADD", code)
    await _each_printed_once(place)
    assert not await _asked_to_look(place.whole.operator)


async def test_a_change_of_the_lines_waits_for_a_label_within_reason(
    place: Place, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("oktograph.edge.labels.LEAVE_S", 0.05)
    codes = await _label_on_its_way(place)
    async with asyncio.timeout(DEADLINE_S):
        await _change_lines(place)
    assert await _asked_to_look(place.whole.operator)
    place.printer.go_on()
    for code in codes:
        await place.whole.read("ADD", code)
    await _each_printed_once(place)


async def test_a_label_on_its_way_is_printed_once_though_the_edge_restarts(place: Place) -> None:
    codes = await _label_on_its_way(place)
    before, reader = place.whole.edge.runtime, _reader()
    stopping = asyncio.create_task(before.stop())
    await eventually(lambda: reader.done() or reader.cancelling() > 0)
    place.printer.go_on()
    async with asyncio.timeout(DEADLINE_S):
        await stopping
    async with serving(EdgeRuntime(before.settings), edge_app) as edge:
        line = edge.runtime.line
        await eventually(lambda: all(one.connected for one in line.scanners()))
        for code in codes:
            await place.whole.read("ADD", code)
        await _each_printed_once(place)
        # It was waited for, with its printer still there: nobody has to go and look.
        assert not await _asked_to_look(await edge.logged_in("operator"))


async def test_a_label_is_not_printed_again_because_the_storage_was_away(
    place: Place, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("oktograph.edge.log_worker.RETRY_S", 0.05)
    codes = await _label_on_its_way(place)
    database = place.whole.edge.database
    broken = (
        "CREATE TRIGGER away BEFORE UPDATE ON event_log_reader WHEN NEW.name = 'labels' "
        "BEGIN SELECT RAISE(ABORT, 'away'); END"
    )
    async with database.engine.begin() as connection:
        await connection.execute(sql(broken))
    with capture_logs() as logs:
        place.printer.go_on()
        tried = ("log reader waits", "log reader broke")
        await eventually(lambda: sum(one["event"] in tried for one in logs) >= 3)
    async with database.engine.begin() as connection:
        await connection.execute(sql("DROP TRIGGER away"))
    for code in codes:
        await place.whole.read("ADD", code)
    await _each_printed_once(place)


async def _label_on_its_way(place: Place) -> list[str]:
    """The printer has the label of the first batch and does not answer; codes of the second."""
    await place.call("POST", "/0/templates", BOX)
    codes = fresh(4)
    for code in codes[:2]:
        await place.whole.read("ADD", code)
    async with asyncio.timeout(DEADLINE_S):
        await place.printer.hears(b"^XZ")
    place.printer.stall()
    return codes[2:]


async def _change_lines(place: Place) -> None:
    lines = [{"id": LINE, "printBatch": PRINT, "noReads": {"count": 9, "withinS": 1}}]
    asked = "mutation ($l: JSON!) { setLines(lines: $l) { id } }"
    await place.whole.operator.ask(asked, l=lines)


def _reader() -> "asyncio.Task[Any]":
    [found] = [task for task in asyncio.all_tasks() if task.get_name() == READER]
    return found


async def _each_printed_once(place: Place) -> None:
    """Labels of two batches come out, in their order: with the second no other can follow."""

    def batches() -> list[str]:
        return [text.split(":")[0] for text in texts(place.printer)]

    await eventually(lambda: len(set(batches())) == 2)
    assert len(batches()) == 2


async def _asked_to_look(operator: Client) -> bool:
    asked = "{ events(first: 50) { edges { node { message } } } }"
    edges = (await operator.ask(asked))["events"]["edges"]
    return any("Look whether the label" in one["node"]["message"] for one in edges)


async def _count(place: Place, count: int) -> bool:
    return len(place.printer.printed) == count


async def test_media_that_runs_out_is_an_alarm_until_it_is_there(place: Place) -> None:
    place.printer.load(labels=0)
    await place.whole.raises(AlarmKind.PRINTER_OUT_OF_MEDIA, "printer-0")
    shown = await place.call("GET", "/0/status")
    assert shown["conditions"] == ["MEDIA_OUT"]
    refused = await place.call("POST", "/0/test", status=503)
    assert refused["details"]["outcome"] == "NOT_PRINTED"
    place.printer.load()
    await place.whole.raises(AlarmKind.PRINTER_OUT_OF_MEDIA, "printer-0", active=False)
    assert (await place.call("POST", "/0/test"))["template"] == "test"
    assert "Boxes" in texts(place.printer)[0]


async def test_catalogues_say_what_there_is(place: Place) -> None:
    schema = await place.call("GET", "/schema")
    assert set(schema["models"]) == {"ZPL", "TSPL", "TEXT"}
    anonymous = place.whole.edge.client()
    for name, key in (("printers", "models"), ("plc-protocols", "protocols")):
        answer = await anonymous.http.get(f"/api/v1/catalog/{name}")
        assert answer.status_code == 200
        assert answer.json()["data"][key]

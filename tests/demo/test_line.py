"""The demo's line as a whole: bottles come, go, are packed, and everything can be tried on it."""

import asyncio
import base64
from io import BytesIO
from pathlib import Path
from typing import Any

import zxingcpp
from biip.gs1_messages import GS1Message
from PIL import Image

from oktograph.demo.places import Places
from oktograph.simulation.spoken import tell
from tests.support.codes import milk_codes
from tests.support.demo import LINE, DemoPlace, running_demo
from tests.support.edge import EdgeFolders
from tests.support.processes import free_port
from tests.support.waiting import until

DEVICES = ("scanner-0", "scanner-1", "plc-gate", "plc-filler", "printer-0", "ups", "gpio")


async def test_bottles_are_read_twice_packed_labelled_and_the_bad_ones_are_gone(
    edge_folders: EdgeFolders, tmp_path: Path
) -> None:
    folder = await edge_folders.fresh(tmp_path / "data")
    async with running_demo(folder, demo_rate=40, pack_size=6, pallet_size=2) as place:
        await place.connected()
        rejected = await place.journal("Rejected and seen gone")
        assert "UNKNOWN" in rejected or "BAD_LENGTH" in rejected
        printed = await labels(place, 3)
        assert printed.endswith("bottles of line-001") or printed.startswith("SSCC")
        shown = await place.shows()
        assert [line["state"] for line in shown["lines"]] == ["RUNNING"]
        assert shown["alarms"]["edges"] == []
        tags = {tag["name"]: tag for tag in shown["tags"]}
        assert {tag["quality"] for tag in tags.values()} == {"GOOD"}
        assert tags["belt"]["value"] > 0
        assert tags["filler.speed"]["value"] > 2_000
        assert [one["role"] for one in shown["scanners"]] == ["ADD", "REJECTION"]
        # What was rejected is no bottle, and is in no batch.
        asked = "{ scans(first: 500) { edges { node { code valid scannerIndex bottle { id } } } } }"
        reads = (await place.operator.ask(asked))["scans"]["edges"]
        gone = [r["node"] for r in reads if r["node"]["code"] and r["node"]["code"] in rejected]
        assert gone
        assert all(one["bottle"] is None for one in gone)


async def labels(place: DemoPlace, count: int) -> str:
    """What the last label says, once there are so many."""
    found = ""

    async def holds() -> bool:
        nonlocal found
        said, _, found = (await place.tell("printer-0", "labels")).partition("the last: ")
        return int(said.split()[1]) >= count

    await until(holds)
    return found


async def test_the_stop_button_stops_it_until_the_start_button(
    edge_folders: EdgeFolders, tmp_path: Path
) -> None:
    folder = await edge_folders.fresh(tmp_path / "data")
    async with running_demo(folder, demo_rate=50) as place:
        await place.scanned(10)
        assert await place.tell("gpio", "press", "stop") == "OK"
        await place.stands("STOPPED")
        await shown_by(place, "plc-gate", "stop=True")
        stood = await settled(place)
        await alarmed_by(place, {"LINE_STOPPED"})
        assert "stopped=on" in await place.tell("gpio", "lamps")
        assert await place.scans() == stood
        await place.tell("gpio", "press", "acknowledge")
        await place.tell("gpio", "press", "start")
        await place.stands("RUNNING")
        await place.scanned(stood + 10)
        await alarmed_by(place, set())


async def alarmed_by(place: DemoPlace, wanted: set[str]) -> None:
    """Soon: alarms are written behind the line's back."""

    async def holds() -> bool:
        return await place.alarms() == wanted

    await until(holds)


async def shown_by(place: DemoPlace, device: str, wanted: str) -> None:
    async def holds() -> bool:
        return wanted in await place.tell(device, "list")

    await until(holds)


async def settled(place: DemoPlace, earlier: int = 0) -> int:
    """How much was read, once the belt stands and all of it is stored; `earlier` of it before the
    demo was started."""

    async def holds() -> bool:
        sent = place.sent()
        return await place.scans() == earlier + sent and place.sent() == sent

    await until(holds)
    return earlier + place.sent()


async def test_an_outage_and_its_end(edge_folders: EdgeFolders, tmp_path: Path) -> None:
    folder = await edge_folders.fresh(tmp_path / "data")
    async with running_demo(folder, demo_rate=0) as place:
        await place.connected()
        assert await place.tell("ups", "outage") == "OK"
        await place.raises("UPS_ON_BATTERY")
        assert (await place.shows())["ups"]["power"] == "ON_BATTERY"
        await place.tell("ups", "charge", "10")
        await place.raises("UPS_LOW_BATTERY")
        await place.tell("ups", "restore")
        await place.raises("UPS_ON_BATTERY", active=False)


async def test_without_media_the_line_stands_and_no_label_is_missing(
    edge_folders: EdgeFolders, tmp_path: Path
) -> None:
    folder = await edge_folders.fresh(tmp_path / "data")
    async with running_demo(folder, demo_rate=10, pack_size=8) as place:
        await labels(place, 1)
        await place.tell("printer-0", "media", "0")
        await place.raises("PRINTER_OUT_OF_MEDIA")
        await place.stands("STOPPED")
        await place.tell("printer-0", "media", "endless")
        await place.raises("PRINTER_OUT_OF_MEDIA", active=False)
        await place.tell("gpio", "press", "start")
        await place.stands("RUNNING")

        async def all_labelled() -> bool:
            asked = "{ batches(first: 1, filter: { status: COMPLETE }) { totalCount } }"
            batches = (await place.operator.ask(asked))["batches"]["totalCount"]
            said = await place.tell("printer-0", "labels")
            return bool(int(said.split()[1]) >= batches > 1)

        await until(all_labelled)


async def test_an_idle_line_reads_what_it_is_shown(
    edge_folders: EdgeFolders, tmp_path: Path
) -> None:
    folder = await edge_folders.fresh(tmp_path / "data")
    (code,) = milk_codes(1)
    async with running_demo(folder, demo_rate=0) as place:
        await place.connected()
        assert await place.scans() == 0
        # As `oktograph simulate tell` does.
        port = place.demo.console_port
        typed = code.replace("\x1d", "<GS>")
        assert await tell(port, f"scanner-0 read {typed}") == "OK"
        await place.scanned(1)
        asked = "query ($code: String!) { bottle(identifier: $code) { status } }"
        assert (await place.operator.ask(asked, code=code))["bottle"]["status"] == "CREATED"
        assert await tell(port, "scanner-1 noread") == "OK"
        assert "an unread item" in await place.journal("Rejected and seen gone")
        assert await tell(port, "plc-filler set setpoint 4") == "OK"
        assert "setpoint=4.0" in await tell(port, "plc-filler list")
        helped = await tell(port, "help")
        for key, _, _ in place.demo.hardware.devices:
            assert f"\n{key} " in helped


async def test_a_console_takes_nothing_from_a_browser(
    edge_folders: EdgeFolders, tmp_path: Path
) -> None:
    folder = await edge_folders.fresh(tmp_path / "data")
    async with running_demo(folder, demo_rate=0) as place:
        await place.connected()
        reader, writer = await asyncio.open_connection("127.0.0.1", place.demo.console_port)
        writer.write(b"POST / HTTP/1.1\r\nHost: x\r\n\r\ngpio press stop\r\n")
        assert (await reader.read()).startswith(b"ERR there is scanner-0")
        writer.close()
        await place.stands("RUNNING")
        for words in (["gpio"], ["gpio", "press"], ["gpio", "press", "no"], ["ups", "charge", "x"]):
            assert (await place.tell(*words)).startswith("ERR")


async def test_a_line_that_was_stopped_stands_after_a_restart_too(
    edge_folders: EdgeFolders, tmp_path: Path
) -> None:
    folder = await edge_folders.fresh(tmp_path / "data")
    kept = Places(folder)
    for device in DEVICES:
        kept.took(device, free_port())  # nobody is given one while the demo is down
    kept.keep()
    async with running_demo(folder, demo_rate=50) as place:
        await place.scanned(5)
        await place.tell("gpio", "press", "stop")
        await place.stands("STOPPED")
        before = place.demo.hardware.devices
        assert {key for key, _, _ in before} == set(DEVICES)
    async with running_demo(folder, demo_rate=50) as place:
        assert place.demo.hardware.devices == before
        await place.connected()
        [line] = (await place.shows())["lines"]
        assert (line["id"], line["state"]) == (LINE, "STOPPED")
        await shown_by(place, "plc-gate", "stop=True")
        stood = await settled(place, earlier=await place.scans())
        await place.tell("gpio", "press", "start")
        await place.scanned(stood + 5)


async def test_each_of_its_labels_can_be_read(edge_folders: EdgeFolders, tmp_path: Path) -> None:
    folder = await edge_folders.fresh(tmp_path / "data")
    asked = "query ($i: PrintInput!) { labelPreview(input: $i) { png notDrawn } }"
    (code,) = milk_codes(1)
    sscc = "00020000000000000017"
    wanted: tuple[tuple[str, str, dict[str, Any], str], ...] = (
        ("default", "HELLO", {}, "HELLO"),
        ("bottle", code, {}, gs1(code)),
        ("batch", "B-2026-000001", {"batch": "B", "count": 24, "line": LINE}, "B-2026-000001"),
        ("pallet", sscc, {"sscc": sscc[2:], "count": 10}, gs1(sscc)),
    )
    async with running_demo(folder, demo_rate=0) as place:
        for template, value, params, text in wanted:
            given = {"printer": 0, "template": template, "code": value, "params": params}
            shown = (await place.operator.ask(asked, i=given))["labelPreview"]
            assert shown["notDrawn"] == []
            picture = Image.open(BytesIO(base64.b64decode(shown["png"]))).convert("L")
            [read] = zxingcpp.read_barcodes(picture)
            assert read.text == text


def gs1(text: str) -> str:
    """As people write it."""
    message = GS1Message.parse(text)
    return "".join(f"({one.ai.ai}){one.value}" for one in message.element_strings)

"""From a reading to what follows from it: a real edge, real scanners, a real controller."""

import asyncio
from collections.abc import Callable
from contextlib import AbstractAsyncContextManager
from pathlib import Path
from typing import Any

import pytest

from domain.line.alarms.models import AlarmKind
from drivers.scanners.simulation import Encoder, PlayConfig
from tests.support.codes import TOO_SHORT
from tests.support.edge import EdgeFolders
from tests.support.waiting import DEADLINE_S, until
from tests.support.whole_line import LINE, WholeLine, fresh, whole_line

Line = Callable[..., AbstractAsyncContextManager[WholeLine]]
REJECT = {"tag": "reject", "pulseMs": 60}
WATCHED = REJECT | {"feedback": {"tag": "bin", "withinMs": 5000}}
WATCHED_CLOSELY = REJECT | {"feedback": {"tag": "bin", "withinMs": 400}}


@pytest.fixture
def line(edge_folders: EdgeFolders, tmp_path: Path) -> Line:
    """A line with these roles and this plan."""

    def made(*roles: str, **plan: Any) -> AbstractAsyncContextManager[WholeLine]:
        settings = plan.pop("settings", {})
        return whole_line(edge_folders, tmp_path, roles, plan, **settings)

    return made


def station(scanner: int = 0, **more: Any) -> dict[str, Any]:
    return {"scanner": scanner, "reject": REJECT, **more}


async def within(future: "asyncio.Future[Any]") -> Any:
    async with asyncio.timeout(DEADLINE_S):
        return await future


async def test_good_codes_are_accepted_and_bad_ones_rejected(line: Line) -> None:
    accept = {"tag": "accept", "pulseMs": 20}
    async with line("ADD", stations=[station(accept=[accept])]) as whole:
        (code,) = fresh(1)
        accepted = whole.plc.expect("accept", True)
        await whole.read("ADD", code)
        await within(accepted)
        assert whole.plc.get("reject") is False
        for bad in (TOO_SHORT, code, None):
            ended = whole.plc.expect("reject", False)
            fired = whole.plc.expect("reject", True)
            await whole.read("ADD", bad)
            begun, over = await within(fired), await within(ended)
            assert over.at_s - begun.at_s >= 0.055
        await whole.scanners["ADD"].answered(b"GBBB")


async def test_a_reject_that_is_seen_gone_is_told_and_nobody_is_alarmed(line: Line) -> None:
    async with line("ADD", stations=[{"scanner": 0, "reject": WATCHED}]) as whole:
        await whole.read("ADD", TOO_SHORT)

        async def told() -> bool:
            wanted = 'first: 20, filter: {category: "PRODUCTION"}'
            asked = f"{{ events({wanted}) {{ edges {{ node {{ message }} }} }} }}"
            found = (await whole.operator.ask(asked))["events"]["edges"]
            return any("seen gone" in one["node"]["message"] for one in found)

        await until(told)
        assert await whole.alarms() == {}


async def test_a_gate_that_does_not_move_stops_the_line(line: Line) -> None:
    plan = {
        "stations": [{"scanner": 0, "reject": WATCHED_CLOSELY}],
        "stop": {"tag": "stop"},
        "stopOn": ["REJECT_NOT_CONFIRMED"],
    }
    async with line("ADD", **plan) as whole:
        whole.plc.gates["reject"].stuck = True
        stopped = whole.plc.expect("stop", True)
        await whole.read("ADD", TOO_SHORT)
        await within(stopped)
        await whole.raises(AlarmKind.REJECT_NOT_CONFIRMED, LINE)
        await whole.raises(AlarmKind.LINE_STOPPED, LINE)
        lines = (await whole.operator.ask("{ lines { id state reason } }"))["lines"]
        assert lines[0]["state"] == "STOPPED"
        assert "REJECT_NOT_CONFIRMED" in lines[0]["reason"]
        # Repaired: the next one is seen, the alarm is over, and somebody lets the line run.
        whole.plc.gates["reject"].stuck = False
        await whole.read("ADD", None)
        await whole.raises(AlarmKind.REJECT_NOT_CONFIRMED, LINE, active=False)
        running = whole.plc.expect("stop", False)
        await whole.operator.ask(f'mutation {{ startLine(id: "{LINE}") {{ state }} }}')
        await within(running)
        await whole.raises(AlarmKind.LINE_STOPPED, LINE, active=False)


async def test_a_reject_waits_until_the_belt_has_come_so_far(line: Line) -> None:
    """The encoder has 16 bits and runs over on the way."""
    seen: Any = {"withinMs": 60_000}
    counted: Any = {"tag": "reject", "pulseMs": 20, "encoder": "belt", "afterPulses": 100}
    counted["feedback"] = seen
    async with line("ADD", stations=[{"scanner": 0, "reject": counted}]) as whole:
        await whole.read("ADD", TOO_SHORT)

        async def on_its_way() -> bool:
            return whole.edge.runtime.line.pipeline.pending(LINE) == 1

        await until(on_its_way)
        whole.plc.put("belt", 65535)
        fired = whole.plc.expect("reject", True)
        shown = await whole.operator.ask('{ tag(name: "belt") { value } }')
        assert shown["tag"]["value"] == 65535
        assert not fired.done()
        whole.plc.put("belt", 65)
        await within(fired)


async def test_items_that_nobody_rejected_are_told_and_out_of_production(line: Line) -> None:
    plan = {"stations": [{"scanner": 0, "reject": REJECT | {"feedback": {"withinMs": 5000}}}]}
    async with line("ADD", "REJECTION_FEEDBACK", **plan) as whole:
        (good,) = fresh(1)
        await whole.read("ADD", good)
        await whole.becomes(good, "CREATED")
        await whole.read("REJECTION_FEEDBACK", good)
        await whole.raises(AlarmKind.WRONG_ITEM_REJECTED, LINE)
        await whole.becomes(good, "REJECTED")
        fired = whole.plc.expect("reject", True)
        await whole.read("ADD", TOO_SHORT)
        await within(fired)
        await whole.read("REJECTION_FEEDBACK", TOO_SHORT)

        async def none_pending() -> bool:
            return not whole.edge.runtime.line.pipeline.pending(LINE)

        await until(none_pending)
        await whole.read("REJECTION_FEEDBACK", None)
        await whole.raises(AlarmKind.UNEXPECTED_REJECT, LINE)


async def test_a_burst_of_missed_reads_is_an_alarm_until_it_reads_again(line: Line) -> None:
    async with line("ADD", noReads={"count": 3, "withinS": 0.5}) as whole:
        # In one packet, which is taken up at one time.
        await whole.scanners["ADD"].send_raw(3 * Encoder(PlayConfig()).encode(None))
        await whole.raises(AlarmKind.NO_READ_BURST, "scanner-0")

        async def reads_again() -> bool:
            await whole.read("ADD", fresh(1)[0])
            found = (await whole.alarms())[("NO_READ_BURST", "scanner-0")]
            return not found["active"]

        await until(reads_again)


async def test_a_removed_bottle_leaves_its_batch(line: Line) -> None:
    async with line("ADD", "REMOVE", settings={"pack_size": 4}) as whole:
        codes = fresh(3)
        for code in codes:
            await whole.read("ADD", code)
        await whole.becomes(codes[2], "IN_BATCH")
        await whole.read("REMOVE", codes[1])
        await whole.becomes(codes[1], "REJECTED")
        assert (await whole.bottle(codes[1]))["batch"] is None
        assert (await whole.bottle(codes[0]))["status"] == "IN_BATCH"


async def test_labels_make_packages_of_the_oldest_and_an_sscc_makes_a_pallet(line: Line) -> None:
    settings = {"pack_size": 2, "pallet_size": 2}
    async with line("ADD", "PACKAGE", "BOX", settings=settings) as whole:
        codes = fresh(5)
        for code in codes:
            await whole.read("ADD", code)
        await whole.becomes(codes[4], "CREATED")
        await whole.read("PACKAGE", "PACK-1")
        await whole.becomes(codes[1], "IN_BATCH")
        assert (await whole.bottle(codes[0]))["batch"]["identifier"] == "PACK-1"
        assert (await whole.bottle(codes[2]))["batch"] is None
        await whole.read("PACKAGE", "PACK-2")
        await whole.becomes(codes[3], "IN_BATCH")
        await whole.read("PACKAGE", "PACK-3")  # one bottle is left, a package has two
        await whole.read("BOX", "(00)046000000000000015")
        await whole.scans(9)
        asked = "{ pallets(first: 5) { edges { node { sscc status batchCount } } } }"

        async def made() -> bool:
            found = (await whole.operator.ask(asked))["pallets"]["edges"]
            wanted = {"sscc": "046000000000000015", "status": "COMPLETE", "batchCount": 2}
            return [one["node"] for one in found] == [wanted]

        await until(made)
        assert (await whole.bottle(codes[4]))["status"] == "CREATED"


async def test_bottles_that_are_read_into_a_package_are_in_it(line: Line) -> None:
    async with line("ADD", "PACKAGE", settings={"pack_size": 2}) as whole:
        codes = fresh(3)
        for code in codes:
            await whole.read("ADD", code)
        await whole.becomes(codes[2], "CREATED")
        for code in (codes[2], codes[0], codes[1]):  # the third does not fit
            await whole.read("PACKAGE", code)
        await whole.read("PACKAGE", "PACK-9")
        await whole.becomes(codes[0], "IN_BATCH")

        async def named() -> bool:
            found = await whole.bottle(codes[2])
            return bool(found["batch"]) and found["batch"]["identifier"] == "PACK-9"

        await until(named)
        assert (await whole.bottle(codes[1]))["batch"] is None


async def test_a_code_is_consumed_from_the_buffer_once(line: Line) -> None:
    accept = {"tag": "accept", "pulseMs": 20}
    plan = {"stations": [station(1, accept=[accept])]}
    async with line("ADD", "VERIFY_LOCAL_BUFFER", **plan) as whole:
        ours, other = fresh(2)
        for code in (ours, other):
            await whole.read("ADD", code)
        await whole.becomes(other, "CREATED")
        rest = whole.operator.http
        bottles = (await rest.get("/api/v1/bottles")).json()["data"]
        wanted = [one["id"] for one in bottles if one["identifier"] == ours]
        made = await rest.post("/api/v1/batches", json={"batch": {"name": "x"}, "bottles": wanted})
        identifier = made.json()["data"]["batch"]["identifier"]
        loaded = await rest.post(
            "/api/v1/batch-accounting/buffer/load", json={"batchIdentifier": identifier}
        )
        assert loaded.status_code == 200, loaded.text
        accepted = whole.plc.expect("accept", True)
        await whole.read("VERIFY_LOCAL_BUFFER", ours)
        await within(accepted)
        for bad in (ours, other):
            fired = whole.plc.expect("reject", True)
            await whole.read("VERIFY_LOCAL_BUFFER", bad)
            await within(fired)
            await within(whole.plc.expect("reject", False))
        figures = (await rest.get("/api/v1/batch-accounting/buffer")).json()["data"]
        assert (figures["loaded"], figures["consumed"], figures["remaining"]) == (1, 1, 0)


async def test_a_gate_only_lets_sound_bottles_by(line: Line) -> None:
    async with line("ADD", "REJECTION", stations=[station(1)]) as whole:
        known, unknown = fresh(2)
        await whole.read("ADD", known)
        await whole.becomes(known, "CREATED")
        await whole.read("REJECTION", known)
        await whole.scans(2)
        assert whole.plc.gates["reject"].fired == 0
        fired = whole.plc.expect("reject", True)
        await whole.read("REJECTION", unknown)
        await within(fired)
        assert (await whole.bottle(unknown)) is None


async def test_a_lost_controller_is_an_alarm_and_what_it_missed_is_told(line: Line) -> None:
    plan = {"stations": [station()], "stopOn": ["DEVICE_LOST"], "stop": {"tag": "stop"}}
    async with line("ADD", **plan) as whole:
        await whole.plc.refuse()
        await whole.raises(AlarmKind.DEVICE_LOST, "plc-plc")
        await whole.raises(AlarmKind.LINE_STOPPED, LINE)
        await whole.read("ADD", TOO_SHORT)
        missed = await whole.raises(AlarmKind.OUTPUT_FAILED, "reject")
        assert TOO_SHORT in missed["message"]
        stopped = whole.plc.expect("stop", True)
        await whole.plc.accept()
        await within(stopped)  # what stops a line comes through, later
        await whole.raises(AlarmKind.DEVICE_LOST, "plc-plc", active=False)

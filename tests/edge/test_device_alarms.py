"""A device that comes and goes: its alarm and one entry of the journal, in one transaction."""

import asyncio
from pathlib import Path
from typing import Any

import orjson
import pytest
from structlog.testing import capture_logs

from domain.journal.models import SCANNER
from domain.kernel.database import Database
from domain.kernel.uow import Transactions
from domain.line.alarms.events import alarm_of
from domain.line.alarms.models import AlarmKind, AlarmState
from drivers.link import LinkState, StateChange
from drivers.scanners.port import parse_scanners
from drivers.scanners.simulation import SimulatorConfig
from drivers.scanners.simulator import ScannerSimulator
from migrations import upgrade
from oktograph.edge.hardware import Hardware
from oktograph.edge.transitions import TransitionJournal, forget_device_alarms
from tests.support.alarms import LOST, SOURCE, Panel
from tests.support.clocks import ManualClock
from tests.support.contents import contents
from tests.support.databases import new_customer
from tests.support.edge import Client, Edge, EdgeFolders, running_edge
from tests.support.log import facts
from tests.support.processes import free_port
from tests.support.waiting import until

WRONG = AlarmKind.DEVICE_MISCONFIGURED
ALARMS = "{ alarms { edges { node { kind source state active occurrences message } } } }"


@pytest.fixture
def panel(transactions: Transactions, customer_id: int) -> Panel:
    return Panel(transactions, customer_id)


@pytest.fixture
def journal(panel: Panel) -> TransitionJournal:
    return TransitionJournal(panel.transactions, panel.customer_id, "line", SCANNER)


def change(
    state: LinkState, previous: LinkState = LinkState.CONNECTING, reason: str | None = None
) -> StateChange:
    return StateChange(SOURCE, previous, state, 0, reason)


async def states(panel: Panel) -> dict[AlarmKind, AlarmState]:
    """As their last facts tell."""
    found = {row.data["alarm"]["kind"]: row.data["alarm"]["state"] for row in await panel.facts()}
    return {AlarmKind(kind): AlarmState(state) for kind, state in found.items()}


async def told(panel: Panel) -> list[tuple[str, str, str]]:
    """(category, severity, message) of every entry, oldest first."""
    rows = [row.data for row in await facts(panel.database, "journal")]
    return [(row["category"], row["severity"], row["message"]) for row in rows]


async def test_lost_and_back_are_an_alarm_and_an_entry_each(
    panel: Panel, journal: TransitionJournal
) -> None:
    await journal(change(LinkState.LOST, reason="no route"))
    assert await states(panel) == {LOST: AlarmState.UNACKNOWLEDGED}
    await journal(change(LinkState.CONNECTED, LinkState.LOST, "192.0.2.7:23"))
    assert await states(panel) == {LOST: AlarmState.RETURNED_UNACKNOWLEDGED}
    assert await told(panel) == [
        ("SCANNER", "ERROR", "scanner-0 lost: no route"),
        ("SCANNER", "INFO", "scanner-0 connected: 192.0.2.7:23"),
    ]
    lost, back = await panel.facts()
    assert lost.data["alarm"]["message"] == "scanner-0 lost: no route"
    for fact, entry in zip((lost, back), await facts(panel.database, "journal"), strict=True):
        (shown,) = orjson.loads(entry.data["data"])["alarms"]
        assert shown == {
            "id": fact.key,
            "kind": "DEVICE_LOST",
            "state": fact.data["alarm"]["state"],
        }
        assert fact.occurred_at_us == entry.occurred_at_us


async def test_a_device_that_was_never_in_trouble_has_no_alarm(
    panel: Panel, journal: TransitionJournal
) -> None:
    await journal(change(LinkState.CONNECTING, LinkState.STOPPED))
    assert await told(panel) == []
    await journal(change(LinkState.CONNECTED, reason="192.0.2.7:23"))
    await journal(change(LinkState.STOPPED, LinkState.CONNECTED))
    assert await panel.facts() == []
    assert await told(panel) == [("SCANNER", "INFO", "scanner-0 connected: 192.0.2.7:23")]


@pytest.mark.parametrize(
    ("walk", "lost", "wrong"),
    [
        ("LOST", AlarmState.UNACKNOWLEDGED, None),
        ("FAULTED", None, AlarmState.UNACKNOWLEDGED),
        ("LOST FAULTED", AlarmState.RETURNED_UNACKNOWLEDGED, AlarmState.UNACKNOWLEDGED),
        ("FAULTED LOST", AlarmState.UNACKNOWLEDGED, AlarmState.RETURNED_UNACKNOWLEDGED),
        (
            "LOST FAULTED CONNECTED",
            AlarmState.RETURNED_UNACKNOWLEDGED,
            AlarmState.RETURNED_UNACKNOWLEDGED,
        ),
        ("LOST STOPPED", AlarmState.RETURNED_UNACKNOWLEDGED, None),
        ("FAULTED STOPPED", None, AlarmState.RETURNED_UNACKNOWLEDGED),
        ("LOST CONNECTING", AlarmState.UNACKNOWLEDGED, None),
        ("LOST CONNECTED LOST", AlarmState.UNACKNOWLEDGED, None),
    ],
)
async def test_what_each_state_means(
    panel: Panel,
    journal: TransitionJournal,
    walk: str,
    lost: AlarmState | None,
    wrong: AlarmState | None,
) -> None:
    previous = LinkState.CONNECTING
    for name in walk.split():
        state = LinkState(name)
        await journal(change(state, previous))
        previous = state
    found = await states(panel)
    assert (found.get(LOST), found.get(WRONG)) == (lost, wrong)
    notable = [name for name in walk.split() if name != "CONNECTING"]
    assert len(await told(panel)) == len(notable)


async def test_a_device_that_is_taken_away_is_told_of_where_it_was_in_trouble(
    panel: Panel, journal: TransitionJournal
) -> None:
    await journal(change(LinkState.STOPPED, LinkState.CONNECTING))
    assert await told(panel) == []
    await journal(change(LinkState.FAULTED, reason="refused our certificate"))
    await journal(change(LinkState.STOPPED, LinkState.FAULTED))
    assert await told(panel) == [
        ("SCANNER", "CRITICAL", "scanner-0 cannot work as configured: refused our certificate"),
        ("SCANNER", "INFO", "scanner-0 is no longer watched"),
    ]


async def test_a_shelved_device_is_written_down_and_calls_nobody(
    panel: Panel, journal: TransitionJournal
) -> None:
    await journal(change(LinkState.LOST))
    (fact,) = await panel.facts()
    await panel.shelved(alarm_of(fact.data))
    await journal(change(LinkState.CONNECTED, LinkState.LOST))
    await journal(change(LinkState.LOST, LinkState.CONNECTED))
    assert [severity for _, severity, _ in await told(panel)] == ["ERROR", "INFO", "INFO", "INFO"]
    assert await states(panel) == {LOST: AlarmState.SHELVED}


async def test_peers_that_nobody_can_do_anything_about_raise_none(panel: Panel) -> None:
    quiet = TransitionJournal(panel.transactions, panel.customer_id, "f", "SYSTEM", alarms=False)
    for state in (LinkState.LOST, LinkState.CONNECTED, LinkState.FAULTED, LinkState.STOPPED):
        await quiet(change(state, LinkState.LOST))
    assert await panel.facts() == []
    assert [category for category, _, _ in await told(panel)] == ["SYSTEM"] * 3


async def test_what_could_not_be_written_is_owed_and_written_once(tmp_path: Path) -> None:
    folder = tmp_path / "absent"
    database = Database(f"sqlite:///{folder}/edge.db")
    panel = Panel(Transactions(database, ManualClock(), _Deaf()), 1)
    journal = TransitionJournal(panel.transactions, 1, "line", SCANNER)
    try:
        with capture_logs() as logs:
            await journal(change(LinkState.LOST))
            await journal(change(LinkState.FAULTED, LinkState.LOST))
            await journal.settle()
        assert [one["event"] for one in logs] == ["not journalled"] * 2
        folder.mkdir()
        await upgrade(database)
        assert await new_customer(database, "Dairy One") == 1
        await journal.settle()
        assert await states(panel) == {WRONG: AlarmState.UNACKNOWLEDGED}
        before = await contents(database)
        await journal.settle()
        assert await contents(database) == before
    finally:
        await database.close()


class _Deaf:
    """Wakes nobody: nobody follows."""

    def announce(self) -> None:
        return


async def test_an_older_change_is_never_written_behind_a_newer_one(
    sqlite_database: Database,
) -> None:
    customer_id = await new_customer(sqlite_database, "Dairy One")
    panel = Panel(Transactions(sqlite_database, ManualClock(), _Deaf()), customer_id)
    journal = TransitionJournal(panel.transactions, customer_id, "line", SCANNER)
    async with sqlite_database.write_lock:  # somebody writes for long
        with pytest.raises(TimeoutError):
            async with asyncio.timeout(0.05):
                await journal(change(LinkState.LOST))
        later = [
            asyncio.create_task(journal.settle()),
            asyncio.create_task(journal(change(LinkState.CONNECTED, LinkState.LOST))),
        ]
        await asyncio.sleep(0)  # both have begun, in this order
    await asyncio.gather(*later)
    assert [message for _, _, message in await told(panel)] == [
        "scanner-0 lost",
        "scanner-0 connected",
    ]
    assert await states(panel) == {LOST: AlarmState.RETURNED_UNACKNOWLEDGED}
    before = await contents(sqlite_database)
    await journal.settle()
    assert await contents(sqlite_database) == before


async def test_a_process_that_begins_forgets_what_the_one_before_it_saw(panel: Panel) -> None:
    lost = await panel.raised()
    stopped = await panel.raised(kind=AlarmKind.LINE_STOPPED)
    await forget_device_alarms(panel.transactions, panel.customer_id)
    assert (await panel.now(lost)).state is AlarmState.RETURNED_UNACKNOWLEDGED
    assert (await panel.now(stopped)).state is AlarmState.UNACKNOWLEDGED


async def becomes(client: Client, *wanted: tuple[str, str, bool, int]) -> None:
    """Until these are all the alarms there are: (kind, state, active, occurrences)."""

    async def holds() -> bool:
        found = [edge["node"] for edge in (await client.ask(ALARMS))["alarms"]["edges"]]
        shown = [(n["kind"], n["state"], n["active"], n["occurrences"]) for n in found]
        return shown == list(wanted)

    await until(holds)


async def test_a_real_scanner_that_is_unplugged_plugged_in_and_taken_away(edge: Edge) -> None:
    operator = await edge.logged_in("operator")
    port = free_port()
    async with ScannerSimulator(SimulatorConfig(rate=0, port=port)):
        await edge.runtime.line.configure(Hardware(scanners=parse_scanners([settings_of(port)])))
        await until(lambda: is_connected(edge))
        assert (await operator.ask(ALARMS))["alarms"]["edges"] == []
    await becomes(operator, ("DEVICE_LOST", "UNACKNOWLEDGED", True, 1))
    await operator.ask("mutation { acknowledgeAllAlarms { acknowledged } }")
    async with ScannerSimulator(SimulatorConfig(rate=0, port=port)):
        await becomes(operator, ("DEVICE_LOST", "NORMAL", False, 0))
    await becomes(operator, ("DEVICE_LOST", "UNACKNOWLEDGED", True, 1))
    await edge.runtime.line.configure(Hardware())
    await becomes(operator, ("DEVICE_LOST", "RETURNED_UNACKNOWLEDGED", False, 1))


async def test_an_edge_that_was_killed_starts_without_its_old_alarms(
    edge_folders: EdgeFolders, tmp_path: Path
) -> None:
    folder = await edge_folders.fresh(tmp_path / "data")
    async with running_edge(folder) as edge:
        # As a process leaves it behind that is killed while a device is lost.
        await Panel(edge.runtime.services.transactions, edge.customer_id).raised()
    async with running_edge(folder) as edge:
        operator = await edge.logged_in("operator")
        await becomes(operator, ("DEVICE_LOST", "RETURNED_UNACKNOWLEDGED", False, 1))


def settings_of(port: int) -> dict[str, Any]:
    return {"index": 0, "name": "infeed", "host": "127.0.0.1", "port": port}


async def is_connected(edge: Edge) -> bool:
    return all(one.connected for one in edge.runtime.line.scanners())

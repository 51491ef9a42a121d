"""Every command of a factory does what it says on a real edge, over real sockets."""

import json
import logging
import sys
from pathlib import Path
from typing import Any

import orjson
import pytest

from domain.fleet.commands import LogFilter
from domain.fleet.models import CommandState, CommandType, LogLevel
from domain.kernel.ids import new_id
from domain.kernel.paging import PageRequest
from graph.fleet import resolvers as fleet
from tests.edge.conftest import Site, connected, entries, side
from tests.support.codes import milk_codes
from tests.support.edge import Edge
from tests.support.waiting import eventually

T = CommandType
SCAN = """mutation ($code: String!) { scan(input: {code: $code}) { valid message reason
  bottle { id } } }"""
SLEEPERS = "import os,subprocess,sys,time; p=subprocess.Popen(['sleep','300']); "
SLEEPERS += "open(sys.argv[1],'w').write(f'{os.getpid()} {p.pid}'); time.sleep(300)"


def answer(row: Any) -> Any:
    assert row.state is CommandState.SUCCEEDED, (row.state, row.error_code, row.error)
    return orjson.loads(row.result)


async def scanned(edge: Edge, count: int, start: int = 0) -> None:
    operator = await edge.logged_in("operator")
    for code in milk_codes(start + count)[start:]:
        assert (await operator.ask(SCAN, code=code))["scan"]["valid"]


async def test_an_edge_says_what_it_can(site: Site) -> None:
    async with site.edge() as edge:
        await connected(edge)
        known = set(side(edge).link._executor.capabilities())
    assert known == {str(kind) for kind in T} - {"exec_shell"}
    async with site.edge(edge_allow_shell=True) as edge:
        assert "exec_shell" in side(edge).link._executor.capabilities()


async def test_the_whole_story_on_either_database(site: Site, edge_database_url: str) -> None:
    told = {"edge_database_url": edge_database_url, "sync_interval_s": 3_600}
    async with site.edge(**told) as edge:
        await connected(edge)
        await scanned(edge, 3)
        assert answer(await site.told(T.FORCE_SYNC))["remaining"] == 0
        assert answer(await site.told(T.DISABLE_DEVICE)) == {"enabled": False}
        document = {"packSize": 2, "odd": [1]}
        pushed = answer(await site.told(T.PUSH_CONFIG, {"document": document, "version": 4}))
        assert pushed == {"version": 4, "document": document}
        operator = await edge.logged_in("operator")
        body = {"set": {"palletSize": "7"}}
        assert (await operator.http.put("/api/v1/config", json=body)).status_code == 200
        assert answer(await site.told(T.PULL_LOGS))["count"] > 0
    async with site.edge(**told) as edge:
        await connected(edge)
        status = edge.runtime.control.status()
        assert (status.config_version, status.enabled) == (4, False)
        running = edge.runtime.control.running
        assert (running.pack_size, running.pallet_size) == (2, 7)
        assert answer(await site.told(T.ENABLE_DEVICE)) == {"enabled": True}
        await scanned(edge, 2, start=3)
        assert answer(await site.told(T.CLEAR_QUEUE))["cleared"] == 2
    assert await site.found.counted("bottle") == 3


async def test_force_sync_carries_what_waits_now(site: Site) -> None:
    async with site.edge(sync_interval_s=3_600) as edge:
        await connected(edge)
        await scanned(edge, 5)
        done = answer(await site.told(T.FORCE_SYNC))
        assert (done["failed"], done["remaining"]) == (0, 0)
        assert await site.found.counted("bottle") == 5
        assert answer(await site.told(T.FORCE_SYNC))["synced"] == 0


async def test_clear_queue_drops_what_waits_and_says_how_much(site: Site) -> None:
    async with site.edge(sync_interval_s=3_600) as edge:
        await connected(edge)
        operator = await edge.logged_in("operator")
        await operator.ask("mutation { setConnectionMode(mode: DIRECT_CLOUD) { mode } }")
        await scanned(edge, 4)
        done = answer(await site.told(T.CLEAR_QUEUE, {"reason": "a test run"}))
        assert done == {"cleared": 4}
        status = (await operator.ask("{ syncStatus { queueSize oldestItem } }"))["syncStatus"]
        assert status == {"queueSize": 0, "oldestItem": None}
        assert "The queue was cleared: 4 items dropped" in await entries(edge)
        assert answer(await site.told(T.CLEAR_QUEUE)) == {"cleared": 0}
        await scanned(edge, 1, start=4)
        await operator.ask("mutation { setConnectionMode(mode: VIA_LOCAL_SERVER) { mode } }")
        assert answer(await site.told(T.FORCE_SYNC))["remaining"] == 0
    assert await site.found.counted("bottle") == 1


NOTE = """mutation ($m: String!) {
  recordEvent(input: {message: $m, severity: ERROR}) { id } }"""


async def test_pull_logs_brings_the_journal_and_the_log_lines(site: Site) -> None:
    async with site.edge() as edge:
        await connected(edge)
        operator = await edge.logged_in("operator")
        for number in range(3):
            await operator.ask(NOTE, m=f"belt {number} stands")
        done = answer(await site.told(T.PULL_LOGS, {"limit": 2, "level": "ERROR"}))
        assert (done["count"], done["sent"]) == (2, 2)
        assert [one["message"] for one in done["entries"]] == ["belt 1 stands", "belt 2 stands"]
        again = answer(await site.told(T.PULL_LOGS, {"limit": 3, "level": "ERROR"}))
        assert (again["count"], again["sent"]) == (3, 1), "what was sent is not sent again"
        await site.becomes(lambda: logs(site), lambda kept: len(kept) == 3)
        kept = await logs(site)
        assert sorted(row.message for row in kept) == [f"belt {n} stands" for n in range(3)]
        assert {(row.level, row.source) for row in kept} == {
            (LogLevel.ERROR, "journal/OPERATOR/operator")
        }
        logging.getLogger("tests.edge").warning("the %s is hot", "motor")
        lines = answer(await site.told(T.PULL_LOGS, {"level": "WARNING"}))["entries"]
        assert ("tests.edge", "the motor is hot") in {
            (one["source"], one["message"]) for one in lines
        }
        late = {"sinceUs": 2**52}
        assert answer(await site.told(T.PULL_LOGS, late)) == {"count": 0, "sent": 0, "entries": []}


async def test_logs_that_are_long_fit_into_frames_and_the_answer(site: Site) -> None:
    async with site.edge() as edge:
        await connected(edge)
        for number in range(900):
            logging.getLogger("tests.long").error("%04d %s", number, "\u2028" * 1_900)
        done = answer(await site.told(T.PULL_LOGS, {"limit": 900, "level": "ERROR"}))
        assert (done["count"], done["sent"]) == (900, 900)
        assert 0 < len(done["entries"]) < 100
        assert done["entries"][-1]["message"].startswith("0899")
        assert site.found.factory.ends == []


async def logs(site: Site) -> Any:
    context = site.found.factory.context()
    window = PageRequest(limit=500)
    return (await fleet.list_logs(context, site.device.id, LogFilter(), window)).rows


@pytest.mark.parametrize("kind", [T.REBOOT_OS, T.SHUTDOWN_OS, T.RESTART_SERVICE])
async def test_host_control_is_only_written_down_by_default(site: Site, kind: T) -> None:
    async with site.edge() as edge:
        await connected(edge)
        done = answer(await site.told(kind, {"reason": "new kernel"}))
        assert done == {"performed": False, "recorded": True}
        assert f"The factory asked for {kind}" in await entries(edge)


async def test_host_control_by_a_program(site: Site, tmp_path: Path) -> None:
    seen = tmp_path / "seen"
    code = "import json,sys; open(sys.argv[1],'a').write(json.dumps(sys.argv[2:])+'\\n')"
    code += "; sys.exit(3 if sys.argv[2] == 'shutdown_os' else 0)"
    program = [sys.executable, "-c", code, str(seen), "{action}", "{delay_s}"]
    async with site.edge(host_control=program) as edge:
        await connected(edge)
        assert answer(await site.told(T.REBOOT_OS, {"delayS": 30}))["performed"] is True
        refused = await site.told(T.RESTART_SERVICE, {"service": "mqtt"})
        assert (refused.state, refused.error_code) == (CommandState.FAILED, "VALIDATION_ERROR")
        failed = await site.told(T.SHUTDOWN_OS)
        assert (failed.state, failed.error) == (
            CommandState.FAILED,
            "The host's program ended with 3: ",
        )
    lines = [json.loads(line) for line in seen.read_text().splitlines()]
    assert lines == [["reboot_os", "30"], ["shutdown_os", "0"]]


async def test_exec_shell_runs_a_program_and_no_shell(
    site: Site, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("OKTOGRAPH_EDGE_SECRET", "nobody's business")
    async with site.edge(edge_allow_shell=True) as edge:
        await connected(edge)
        argv = [sys.executable, "-c", "import sys; print(sys.argv[1:]); sys.exit(7)", "$HOME; id"]
        done = answer(await site.told(T.EXEC_SHELL, {"argv": argv}))
        assert done == {"exitCode": 7, "output": "['$HOME; id']\n", "truncated": False}
        much = [sys.executable, "-c", "print('x' * 300_000)"]
        bounded = answer(await site.told(T.EXEC_SHELL, {"argv": much}))
        assert (len(bounded["output"]), bounded["truncated"]) == (64 * 1024, True)
        environment = answer(await site.told(T.EXEC_SHELL, {"argv": ["env"]}))
        assert "OKTOGRAPH_" not in environment["output"]
        nothing = await site.told(T.EXEC_SHELL, {"argv": ["/nowhere/at/all"]})
        assert (nothing.error_code, nothing.state) == ("VALIDATION_ERROR", CommandState.FAILED)
        assert "The factory runs env" in await entries(edge)


async def test_a_program_that_does_not_end_is_ended_with_all_it_started(
    site: Site, tmp_path: Path
) -> None:
    pids = tmp_path / "pids"
    argv = [sys.executable, "-c", SLEEPERS, str(pids)]
    async with site.edge(edge_allow_shell=True) as edge:
        await connected(edge)
        done = await site.told(T.EXEC_SHELL, {"argv": argv, "timeoutS": 2})
        assert (done.state, done.error_code) == (CommandState.FAILED, "TIMEOUT")
    for pid in map(int, pids.read_text().split()):
        await eventually(lambda pid=pid: not _runs(pid))  # type: ignore[misc]


def _runs(pid: int) -> bool:
    """A zombie does not."""
    try:
        state = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0]
    except FileNotFoundError:
        return False
    return state != "Z"


async def test_without_the_edge_s_own_leave_nobody_runs_anything(site: Site) -> None:
    async with site.edge() as edge:
        await connected(edge)
        done = await site.told(T.EXEC_SHELL, {"argv": ["touch", str(site.folder / "owned")]})
        assert (done.state, done.error_code) == (CommandState.FAILED, "FORBIDDEN")
        assert not (site.folder / "owned").exists()
        assert not [message for message in await entries(edge) if "touch" in message]


async def test_a_disabled_edge_keeps_every_read_and_makes_no_bottle(site: Site) -> None:
    code, other = milk_codes(2)
    async with site.edge() as edge:
        await connected(edge)
        done = answer(await site.told(T.DISABLE_DEVICE, {"reason": "recall"}))
        assert done == {"enabled": False}
        assert not (await site.now()).enabled
        operator = await edge.logged_in("operator")
        read = (await operator.ask(SCAN, code=code))["scan"]
        assert (read["valid"], read["reason"], read["bottle"]) == (False, "DISABLED", None)
        bad = (await operator.ask(SCAN, code="12345"))["scan"]
        assert bad["reason"] == "BAD_LENGTH"
        assert await health(edge) == "disabled"
        assert "This edge is disabled: reads are kept and make no bottles" in await entries(edge)
    async with site.edge() as edge:
        await connected(edge)
        operator = await edge.logged_in("operator")
        assert (await operator.ask(SCAN, code=other))["scan"]["reason"] == "DISABLED"
        assert await health(edge) == "disabled"
        counted = await operator.ask("{ scans { totalCount } bottles { totalCount } }")
        assert (counted["scans"]["totalCount"], counted["bottles"]["totalCount"]) == (3, 0)
        assert answer(await site.told(T.ENABLE_DEVICE)) == {"enabled": True}
        assert (await site.now()).enabled
        assert (await operator.ask(SCAN, code=code))["scan"]["valid"]
        assert await health(edge) == "healthy"


async def health(edge: Edge) -> str:
    answer = await edge.client().http.get("/health")
    assert answer.status_code == 200
    return str(answer.json()["status"])


async def test_update_firmware_without_a_hook_fails_and_says_why(site: Site) -> None:
    release = await site.found.uploaded(b"firmware")
    async with site.edge() as edge:
        await connected(edge)
        done = await site.told(T.UPDATE_FIRMWARE, {"releaseId": release.id})
        assert (done.state, done.error_code) == (CommandState.FAILED, "SERVICE_UNAVAILABLE")
        assert "no install hook" in (done.error or "")


async def test_a_command_given_twice_is_done_once(site: Site, tmp_path: Path) -> None:
    seen = tmp_path / "seen"
    code = "import sys; open(sys.argv[1],'a').write('x')"
    argv = [sys.executable, "-c", code, str(seen)]
    key = new_id()
    async with site.edge(edge_allow_shell=True) as edge:
        await connected(edge)
        first = await site.told(T.EXEC_SHELL, {"argv": argv}, key=key)
        again = await site.told(T.EXEC_SHELL, {"argv": argv}, key=key)
        assert first == again
    assert seen.read_text() == "x"

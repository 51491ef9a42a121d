"""What the documents say to type works, word for word but for the port."""

import asyncio
import json
import re
import shlex
import shutil
from pathlib import Path

import pytest
import strawberry  # noqa: F401 - the schema's library, imported before graphql
from graphql import parse, validate

from domain.production.codes import ProfileCatalogue
from drivers.scanners.port import parse_scanners
from graph.documents import DocumentStore
from graph.limits import Limits
from graph.schema import schema
from oktograph.demo.kettles import prepared_kettles
from oktograph.factory.introduction import introduce
from oktograph.settings import Settings
from oktograph.web.console import edge_operations, factory_operations
from tests.support.demo import running_demo
from tests.support.edge import Edge, EdgeFolders, running_edge
from tests.support.factory import FactoryServer
from tests.support.processes import run_to_end
from tests.support.simulate import simulated
from tests.support.waiting import until

ROOT = Path(__file__).parents[2]
README = (ROOT / "README.md").read_text()
DOCUMENTS = [ROOT / "README.md", *sorted((ROOT / "docs").glob("*.md"))]


def blocks(text: str, language: str) -> list[str]:
    return re.findall(rf"```{language}\n(.*?)```", text, flags=re.DOTALL)


def block_with(text: str) -> str:
    [found] = [block for block in blocks(README, "sh") if text in block]
    return found


async def _shell(place: Edge | FactoryServer, script: str) -> str:
    script = "set -euo pipefail\n" + re.sub(r"localhost:808[01]", place.address, script)
    process = await asyncio.create_subprocess_exec(
        "bash", "-c", script, stdout=asyncio.subprocess.PIPE, stderr=asyncio.subprocess.STDOUT
    )
    async with asyncio.timeout(60):
        output, _ = await process.communicate()
    assert process.returncode == 0, output.decode()
    return output.decode()


@pytest.mark.skipif(shutil.which("curl") is None, reason="needs curl")
async def test_the_readme_s_curl_lines_answer(edge: Edge) -> None:
    login = block_with("localhost:8080/api/v1/auth/login")
    legacy = block_with("scanner/scan")
    output = await _shell(edge, login + "\n" + legacy)
    assert '"totalCount"' in output
    assert '"errors"' not in output
    assert '"success":false' not in output
    assert '"bottleId"' in output
    assert "severity,category" in output


@pytest.mark.skipif(shutil.which("curl") is None, reason="needs curl")
async def test_the_readme_s_stream_streams(edge: Edge) -> None:
    login = block_with("localhost:8080/api/v1/auth/login")
    stream = block_with("text/event-stream")
    operator = await edge.logged_in("operator")
    # Not in a pipe: there curl would be waited for, which ends when it next has something to say.
    first = f"grep -m1 '^data: {{\"data\"' < <({stream.strip()} 2>&1)"
    shell = asyncio.create_task(_shell(edge, f"{login}\n{first}"))
    await edge.subscribers(1)
    await operator.ask('mutation { scan(input: {code: "x"}) { valid } }')
    _, _, event = (await shell).rpartition("data: ")
    assert json.loads(event)["data"]["scans"]["scan"]["code"] == "x"


@pytest.mark.skipif(shutil.which("curl") is None, reason="needs curl")
async def test_the_factory_s_curl_lines_answer(
    sqlite_factory: FactoryServer, edge_folders: EdgeFolders, tmp_path: Path
) -> None:
    token = await introduce(sqlite_factory.runtime, "edge-001")
    url = f"http://{sqlite_factory.address}"
    folder = await edge_folders.fresh(tmp_path / "edge")
    manager = await sqlite_factory.logged_in("manager")

    async def is_online() -> bool:
        found = await manager.ask('{ device(identifier: "edge-001") { status } }')
        return bool(found["device"]["status"] == "ONLINE")

    async with running_edge(folder, factory_url=url, edge_token=token):
        await until(is_online)
        output = await _shell(sqlite_factory, block_with("localhost:8081/api/v1/auth/login"))
    assert '"id":"edge-001"' in output
    assert '"status":"SUCCEEDED"' in output
    assert '"dispatchCommand":{"status":"SUCCEEDED"' in output
    assert '"errors"' not in output


@pytest.mark.skipif(shutil.which("curl") is None, reason="needs curl")
async def test_the_other_systems_curl_lines_answer(sqlite_factory: FactoryServer) -> None:
    login, _, _ = block_with("localhost:8081/api/v1/auth/login").partition("\n\n")
    output = await _shell(sqlite_factory, f"{login}\n{block_with('/valtronics/api')}")
    assert '"pagination":{"page":1,"size":5,"total":0' in output
    assert '"user":{"access_level":"admin"' in output
    assert '"error"' not in output
    assert '"metadata":{"description":"Scan events, the newest first","size":0' in output
    assert '"title"' not in output


@pytest.mark.skipif(shutil.which("curl") is None, reason="needs curl")
async def test_the_orchestrator_s_curl_lines_answer(sqlite_factory: FactoryServer) -> None:
    """As `make run` has them: the demo has stocked the factory."""
    await prepared_kettles(sqlite_factory.runtime)
    output = await _shell(sqlite_factory, block_with("/otao/api"))
    assert [one["version"] for one in json.loads(output)] == ["1.0.0", "1.0.1", "1.1.0", "2.0.0"]


def words_of(line: str) -> list[str]:
    return shlex.split(line.partition("#")[0])


async def test_what_the_readme_tries_on_the_demo_s_line(
    edge_folders: EdgeFolders, tmp_path: Path
) -> None:
    """Step by step; what is active after each is the document's own promise."""
    folder = await edge_folders.fresh(tmp_path / "data")
    lines = [line for line in block_with("simulate tell ups outage").splitlines() if line]
    stopped, empty = {"LINE_STOPPED"}, {"PRINTER_OUT_OF_MEDIA", "LINE_STOPPED"}
    after = [{"UPS_ON_BATTERY"}, set(), stopped, set(), empty, stopped, set(), set()]
    async with running_demo(folder) as place:
        await place.connected()
        for line, alarms in zip(lines, after, strict=True):
            program, *words = words_of(line)
            assert program == ".venv/bin/oktograph"
            port = ("--port", str(place.demo.console_port))
            done = await asyncio.to_thread(run_to_end, tmp_path, *words, *port)
            assert (done.returncode, done.stdout.split()[0]) == (0, "OK"), done.stderr
            await place.alarming(alarms)


async def test_the_readme_s_simulations_say_what_to_configure(tmp_path: Path) -> None:
    block = block_with("oktograph simulate scanner")
    commands = [line for line in block.splitlines() if "simulate" in line and "edges" not in line]
    for line in commands:
        _, _, *words = words_of(line)
        async with simulated(tmp_path, *words, "--port", "0") as device:
            assert device.settings
            assert await device.stop() == "stopped"
    assert len(commands) == 3


@pytest.mark.parametrize("path", DOCUMENTS, ids=lambda path: path.name)
def test_graphql_in_the_documents_is_valid(path: Path) -> None:
    for document in blocks(path.read_text(), "graphql"):
        assert validate(schema._schema, parse(document)) == []


def test_what_graphiql_opens_with_is_valid() -> None:
    store = DocumentStore(schema._schema, Limits())
    for text in (*edge_operations(demo=True), *factory_operations(demo=True)):
        assert validate(schema._schema, parse(text)) == []
        store.find(text, {})


def test_the_readme_names_every_setting() -> None:
    named = {name.lower() for name in re.findall(r"OKTOGRAPH_([A-Z0-9_]+)", README)}
    assert named == set(Settings.model_fields)


def test_json_in_the_documents_is_accepted() -> None:
    [scanners] = blocks((ROOT / "docs" / "scanners.md").read_text(), "json")
    assert len(parse_scanners(json.loads(scanners))) == 2
    [profiles] = blocks((ROOT / "docs" / "codes.md").read_text(), "json")
    assert "cheese" in ProfileCatalogue().with_user_profiles(json.loads(profiles)).industries


def test_links_lead_somewhere() -> None:
    for path in [*DOCUMENTS, ROOT / "ARCHITECTURE.md", *sorted((ROOT / "docs/adr").glob("*.md"))]:
        for target in re.findall(r"\]\(((?!http|#)[^)]+)\)", path.read_text()):
            assert (path.parent / target).exists(), f"{path.name}: {target}"

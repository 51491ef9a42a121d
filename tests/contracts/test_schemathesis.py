"""schemathesis against a whole edge: every check, every phase, the old API and the graph."""

import json
import os
import re
import subprocess
import sys
from pathlib import Path
from random import Random
from urllib.parse import urlsplit

import pytest

from domain.production.codes import DEFAULT_CATALOGUE, generate_code
from tests.support.served_edge import ServedEdge
from tests.support.served_factory import ServedFactory

HERE = Path(__file__).parent
ROOT = HERE.parents[1]
BOTTLES = 50
# Deterministic, so that a finding stays found; another seed for a longer search by hand.
BEARER = "Authorization: Bearer "
OPTIONS = ("--workers", "1", "--generation-deterministic", "--no-color")

pytestmark = [pytest.mark.timeout(300), pytest.mark.xdist_group("schemathesis")]


def run(
    url: str, token: str, config: str, folder: Path, *more: str, header: str = BEARER, **given: str
) -> str:
    """What it printed; `given` is for its environment. Fails the test with that where schemathesis
    found something."""
    program = Path(sys.executable).with_name("schemathesis")
    command: list[str | Path] = [program, "--config-file", HERE / config, "run"]
    done = subprocess.run(
        [*command, url, "--header", f"{header}{token}", *OPTIONS, *more],
        cwd=folder,
        # Nothing else of ours: `requests` looks through all of it twice a call, for proxies.
        env={
            "PATH": os.environ["PATH"],
            "PYTHONPATH": str(ROOT),
            "SCHEMATHESIS_HOOKS": "tests.contracts.schemathesis_hooks",
            # With tables of Unicode that each run would make anew: seconds of work.
            "HYPOTHESIS_STORAGE_DIRECTORY": str(ROOT / ".hypothesis"),
            **given,
        },
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout


def made_bottles(edge: ServedEdge) -> list[str]:
    """Ids of fresh bottles."""
    random, milk = Random(), DEFAULT_CATALOGUE.profile("milk")
    bottles = [{"identifier": generate_code(milk, random)} for _ in range(BOTTLES)]
    with edge.client() as client:
        answer = client.post("/api/v1/bottles", json={"bottles": bottles})
    assert answer.status_code == 200, answer.text
    return [bottle["id"] for bottle in answer.json()["data"]["bottles"]]


def made_batch(edge: ServedEdge) -> str:
    """The identifier of one that has bottles."""
    with edge.client() as client:
        body = {"batch": {"name": "A batch"}, "bottles": made_bottles(edge)}
        answer = client.post("/api/v1/batches", json=body)
    assert answer.status_code == 200, answer.text
    found: str = answer.json()["data"]["batch"]["identifier"]
    return found


def test_the_old_api_is_as_documented(edge: ServedEdge, tmp_path: Path) -> None:
    report = tmp_path / "calls.har"
    more = ("--max-examples", "8", "--report", "har", "--report-har-path", str(report))
    address, token = f"{edge.url}/openapi.json", edge.token()
    given = {"EDGE_BOTTLES": ",".join(made_bottles(edge)), "EDGE_BATCH": made_batch(edge)}
    shown = run(address, token, "schemathesis.toml", tmp_path, *more, **given)
    assert phases(shown) == {"Coverage", "Fuzzing", "Stateful"}
    # Only who follows the links gets this far: each is about something that another call made.
    assert {
        ("GET", "/api/v1/bottles/{id}"),
        ("PATCH", "/api/v1/bottles/{id}/status"),
        ("GET", "/api/v1/batches/{id}"),
        ("POST", "/api/v1/batches/{id}/bottles"),
        ("GET", "/api/v1/events/{id}"),
        ("POST", "/api/v1/events/{id}/ack"),
        ("POST", "/api/v1/batch-accounting/buffer/load"),
        ("DELETE", "/api/v1/batch-accounting/buffer"),
    } <= succeeded(report)


def test_the_factorys_old_api_is_as_documented(factory: ServedFactory, tmp_path: Path) -> None:
    report = tmp_path / "calls.har"
    more = ("--max-examples", "8", "--report", "har", "--report-har-path", str(report))
    address, token = f"{factory.url}/openapi.json", factory.token("admin")
    shown = run(address, token, "schemathesis_factory.toml", tmp_path, *more)
    assert phases(shown) == {"Coverage", "Fuzzing", "Stateful"}
    assert {("POST", "/api/v1/devices"), ("POST", "/api/v1/firmware/releases")} <= succeeded(report)


def test_valtronics_is_as_documented(factory: ServedFactory, tmp_path: Path) -> None:
    report = tmp_path / "calls.har"
    more = ("--max-examples", "8", "--report", "har", "--report-har-path", str(report))
    address, token = f"{factory.url}/valtronics/openapi.json", factory.token("admin")
    shown = run(address, token, "schemathesis_valtronics.toml", tmp_path, *more)
    assert phases(shown) == {"Coverage", "Fuzzing", "Stateful"}
    # Only who follows the links gets this far: each is about a device that another call made.
    devices = "/valtronics/api/v1/devices"
    assert {
        ("GET", f"{devices}/{{id}}"),
        ("PUT", f"{devices}/{{id}}"),
        ("DELETE", f"{devices}/{{id}}"),
        ("PUT", f"{devices}/{{id}}/status"),
        ("GET", f"{devices}/{{id}}/configuration"),
        ("PUT", f"{devices}/{{id}}/configuration"),
    } <= succeeded(report, r"(?<=/)[0-9]+(?=/|$)")


def test_insight_is_as_documented(factory: ServedFactory, tmp_path: Path) -> None:
    report = tmp_path / "calls.har"
    more = ("--max-examples", "8", "--report", "har", "--report-har-path", str(report))
    address, token = f"{factory.url}/insight/openapi.json", factory.token("admin")
    with factory.client() as client:
        told = client.get("/insight/auth-information", params={"id": "demo"}).json()
        customer = told["customer_id"]
        headers = {"authorization": token}
        users = client.get(f"/insight/{customer}/users", headers=headers).json()["items"]
    given = {
        "INSIGHT_CUSTOMER": customer,
        "INSIGHT_KEPT_USERS": ",".join(user["id"].replace("-", "") for user in users),
    }
    shown = run(address, token, "schemathesis_insight.toml", tmp_path, *more, **given)
    assert phases(shown) == {"Coverage", "Fuzzing", "Stateful"}
    # Only who follows the links gets this far: each is about something that another call made.
    base = f"/insight/{customer}"
    assert {
        ("GET", f"{base}/events/export/tasks/{{id}}"),
        ("GET", f"{base}/users/{{id}}"),
        ("PATCH", f"{base}/users/{{id}}"),
        ("DELETE", f"{base}/users/{{id}}"),
    } <= succeeded(report, r"(?<=/)[0-9a-f-]{36}$")


def test_the_orchestrator_is_as_documented(factory: ServedFactory, tmp_path: Path) -> None:
    report = tmp_path / "calls.har"
    more = ("--max-examples", "8", "--report", "har", "--report-har-path", str(report))
    address, token = f"{factory.url}/otao/openapi.json", factory.token("admin")
    shown = run(address, token, "schemathesis_otao.toml", tmp_path, *more)
    assert phases(shown) == {"Coverage", "Fuzzing", "Stateful"}
    # Only who follows the links gets this far: each is about a version that another call made.
    version = "/otao/api/v1/applications/{id}/software/{id}"
    key = r"(?<=/applications/)[^/]+|(?<=/software/)[^/]+"
    assert {
        ("GET", version),
        ("PUT", version),
        ("PUT", f"{version}/files"),
        ("DELETE", version),
    } <= succeeded(report, key)


def test_the_devices_own_api_is_as_documented(factory: ServedFactory, tmp_path: Path) -> None:
    with factory.client("admin") as client:
        client.post("/api/v1/devices", json={"identifier": "kettle-1", "name": "A kettle"})
        issued = client.post("/api/v1/devices/kettle-1/token").json()["data"]
    address = f"{factory.url}/updates/openapi.json"
    config, more = "schemathesis_updates.toml", ("--max-examples", "30")
    shown = run(address, issued["token"], config, tmp_path, *more)
    assert phases(shown) >= {"Coverage", "Fuzzing"}


def test_ontakt_is_as_documented(factory: ServedFactory, tmp_path: Path) -> None:
    report = tmp_path / "calls.har"
    more = ("--max-examples", "8", "--report", "har", "--report-har-path", str(report))
    address, token = f"{factory.url}/ontakt/openapi.json", factory.token("admin")
    header = "X-Auth-Token: "
    shown = run(address, token, "schemathesis_ontakt.toml", tmp_path, *more, header=header)
    assert phases(shown) == {"Examples", "Coverage", "Fuzzing", "Stateful"}
    assert {("GET", "/ontakt/api/"), ("POST", "/ontakt/api/backup")} <= succeeded(report)


def test_the_graph_is_as_its_schema_says(edge: ServedEdge, tmp_path: Path) -> None:
    config, address = "schemathesis_graphql.toml", f"{edge.url}/graphql"
    shown = run(address, edge.token(), config, tmp_path, "--max-examples", "8")
    assert phases(shown) == {"Fuzzing", "Stateful"}


def succeeded(report: Path, key: str = r"[0-9a-f]{32}") -> set[tuple[str, str]]:
    """Methods and paths that were answered well, what is a `key` taken out."""
    calls = json.loads(report.read_text())["log"]["entries"]
    return {
        (
            call["request"]["method"],
            re.sub(key, "{id}", urlsplit(call["request"]["url"]).path),
        )
        for call in calls
        if 200 <= call["response"]["status"] < 300
    }


def phases(shown: str) -> set[str]:
    """Those that ran."""
    return set(re.findall(r"✅ +(\w+) \(in", shown))

"""schemathesis against a whole edge: every check, every phase, the old API and the graph."""

import os
import re
import subprocess
import sys
from pathlib import Path
from random import Random

import pytest

from domain.production.codes import DEFAULT_CATALOGUE, generate_code
from tests.support.served_edge import ServedEdge

HERE = Path(__file__).parent
ROOT = HERE.parents[1]
BOTTLES = 50
# Deterministic, so that a finding stays found; another seed for a longer search by hand.
OPTIONS = ("--workers", "1", "--generation-deterministic", "--no-color")

pytestmark = [pytest.mark.timeout(300), pytest.mark.xdist_group("schemathesis")]


def run(edge: ServedEdge, config: str, address: str, folder: Path, *more: str) -> str:
    """What it printed. Fails the test with that where schemathesis found something."""
    command = [Path(sys.executable).parent / "schemathesis", "--config-file", HERE / config, "run"]
    header = f"Authorization: Bearer {edge.token()}"
    done = subprocess.run(
        [*command, f"{edge.url}{address}", "--header", header, *OPTIONS, *more],
        cwd=folder,
        env={
            **os.environ,
            "PYTHONPATH": str(ROOT),
            "SCHEMATHESIS_HOOKS": "tests.contracts.schemathesis_hooks",
            "EDGE_BOTTLES": ",".join(made_bottles(edge)),
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


def test_the_old_api_is_as_documented(edge: ServedEdge, tmp_path: Path) -> None:
    shown = run(edge, "schemathesis.toml", "/openapi.json", tmp_path, "--max-examples", "8")
    assert phases(shown) == {"Coverage", "Fuzzing", "Stateful"}
    links = re.search(r"API Links: +(\d+) covered", shown)
    assert links is not None, shown
    assert int(links[1]) >= 8, shown


def test_the_graph_is_as_its_schema_says(edge: ServedEdge, tmp_path: Path) -> None:
    config = "schemathesis_graphql.toml"
    shown = run(edge, config, "/graphql", tmp_path, "--max-examples", "40")
    assert phases(shown) == {"Fuzzing", "Stateful"}


def phases(shown: str) -> set[str]:
    """Those that ran."""
    return set(re.findall(r"✅ +(\w+) \(in", shown))

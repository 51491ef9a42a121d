"""A running edge removes what it need not keep, and shows that it did."""

import asyncio

import httpx2
import pytest

from domain.kernel.retention import Pace
from tests.support.edge import Edge, Json

CODE = "0104600605032541215B,LN)\x1d93gJXT"
SCAN = "mutation ($code: String!) { scan(input: {code: $code}) { duplicate } }"
LEFT = """query ($code: String!) {
  scans { totalCount }
  bottles { totalCount }
  overview { bottlesToday }
  trace(identifier: $code) { events { id kind actor } scans { id } }
}"""


@pytest.fixture
def edge_settings() -> Json:
    """Reads go at once."""
    return {"scan_retention_days": 1e-9}


async def test_reads_go_and_what_they_made_stays(each_edge: Edge) -> None:
    operator = await each_edge.logged_in("operator")
    await operator.ask(SCAN, code=CODE)
    before = await operator.ask(LEFT, code=CODE)
    trimmer = each_edge.runtime.trimmer
    async with asyncio.timeout(10):
        while not trimmer.removed["scan"]:  # not within the millisecond that its id tells
            await trimmer.round()
    after = await operator.ask(LEFT, code=CODE)
    assert (before["scans"]["totalCount"], after["scans"]["totalCount"]) == (1, 0)
    assert after["bottles"] == before["bottles"] == {"totalCount": 1}
    assert after["overview"] == before["overview"] == {"bottlesToday": 1}
    [birth] = after["trace"]["events"]
    assert (birth["kind"], birth["actor"]) == ("CREATED", "scan")
    asked = "query ($id: ID!) { node(id: $id) { ... on TraceEvent { kind } } }"
    assert (await operator.ask(asked, id=birth["id"]))["node"] == {"kind": "CREATED"}
    assert (await operator.ask(SCAN, code=CODE))["scan"] == {"duplicate": True}
    async with httpx2.AsyncClient() as client:
        page = (await client.get(f"http://{each_edge.address}/metrics")).text
    assert 'oktograph_removed_total{what="scan"} 1.0' in page


async def test_it_keeps_a_quiet_pace_by_itself(edge: Edge) -> None:
    assert edge.runtime.pace == Pace()
    names = {task.get_name() for task in asyncio.all_tasks()}
    assert {"retention", "checkpoints"} <= names

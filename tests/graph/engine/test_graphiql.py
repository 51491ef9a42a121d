"""GraphiQL needs this server and nothing else."""

import asyncio
import re
import shutil
from pathlib import Path

import httpx2
import pytest

from graph.transport import TransportSettings
from tests.support.toy_graph import Toy, served

CHROMIUM = shutil.which("chromium")
BROWSER = {"accept": "text/html,application/xhtml+xml,*/*;q=0.8"}


async def test_a_browser_is_served_the_page_and_all_its_files(address: str) -> None:
    async with httpx2.AsyncClient(base_url=f"http://{address}") as client:
        page = await client.get("/graphql", headers=BROWSER)
        assert page.headers["content-type"] == "text/html; charset=utf-8"
        assert "default-src 'self'" in page.headers["content-security-policy"]
        links = re.findall(r'(?:src|href)="([^"]+)"', page.text)
        files = [link for link in links if link != "data:,"]
        assert len(files) == 7
        for link in files:
            assert link.startswith("/graphql/static/")
            assert (await client.get(link)).status_code == 200
        query = await client.get("/graphql", params={"query": "{ __typename }"}, headers=BROWSER)
        assert query.json() == {"data": {"__typename": "Query"}}


async def test_it_can_be_switched_off(toy: Toy) -> None:
    async with (
        served(toy, TransportSettings(graphiql=False)) as address,
        httpx2.AsyncClient(base_url=f"http://{address}") as client,
    ):
        assert (await client.get("/graphql", headers=BROWSER)).status_code == 400
        assert (await client.get("/graphql/static/console.js")).status_code == 404


@pytest.mark.skipif(CHROMIUM is None, reason="needs Chromium")
async def test_a_real_browser_shows_it(address: str, tmp_path: Path) -> None:
    assert CHROMIUM is not None
    process = await asyncio.create_subprocess_exec(
        CHROMIUM,
        "--headless=new",
        "--no-sandbox",
        "--disable-gpu",
        f"--user-data-dir={tmp_path}",
        # No host has an address but this one: whatever the page wanted elsewhere would fail.
        "--host-resolver-rules=MAP * ~NOTFOUND, EXCLUDE 127.0.0.1",
        "--virtual-time-budget=10000",
        "--dump-dom",
        f"http://{address}/graphql",
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.DEVNULL,
    )
    async with asyncio.timeout(60):
        shown, _ = await process.communicate()
    assert b"graphiql-execute-button" in shown
    assert b"WhichFields" in shown

"""`oktograph serve --bind valtronics=PORT`: a base URL like that of the old system."""

from pathlib import Path

import httpx2

from tests.support.callers import token_of
from tests.support.processes import FactoryProcess, free_port, run_to_end
from tests.support.valtronics import data, error

OWN = "/api/v1/devices/"


async def test_a_process_with_a_port_for_it(tmp_path: Path) -> None:
    port = free_port()
    async with FactoryProcess(tmp_path, "--bind", f"valtronics={port}") as factory:
        headers = {"authorization": f"Bearer {await token_of(factory)}"}
        async with httpx2.AsyncClient(headers=headers) as client:
            own = f"http://127.0.0.1:{port}"
            body = {"name": "a", "device_id": "a", "device_type": "sensor"}
            made = await client.post(own + OWN, json=body)
            assert data(made)["id"] == 1
            assert made.headers["x-ratelimit-remaining"] == "49"
            # One count for both addresses.
            below = await client.put(f"{factory.url}/valtronics{OWN}1", json={"name": "b"})
            assert data(below)["name"] == "b"
            assert below.headers["x-ratelimit-remaining"] == "48"
            error(await client.get(own + "/graphql"), 404)
        assert factory.faults() == []


def test_a_surface_that_is_none(tmp_path: Path) -> None:
    for given in ("valtronics", "valtronic=8000", "valtronics=port"):
        done = run_to_end(tmp_path, "serve", "--role", "factory", "--bind", given)
        assert done.returncode == 2
        assert "valtronics=PORT" in done.stderr

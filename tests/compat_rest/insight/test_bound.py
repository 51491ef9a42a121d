"""`oktograph serve --bind insight=PORT`: a base URL like that of the old system."""

from pathlib import Path

import httpx2

from tests.support.callers import token_of
from tests.support.insight import error, ok
from tests.support.processes import FactoryProcess, free_port


async def test_a_process_with_a_port_for_it(tmp_path: Path) -> None:
    port = free_port()
    async with FactoryProcess(tmp_path, "--bind", f"insight={port}") as factory:
        headers = {"authorization": await token_of(factory)}
        own = f"http://127.0.0.1:{port}"
        async with httpx2.AsyncClient(headers=headers) as client:
            me = (await client.get(f"{factory.url}/insight/nothing")).status_code
            assert me == 404
            answer = await client.post(
                f"{factory.url}/graphql",
                json={"query": "{ customer { id } }"},
                headers={"authorization": f"Bearer {headers['authorization']}"},
            )
            customer = answer.json()["data"]["customer"]["id"]
            for base in (f"{own}/{customer}", f"{factory.url}/insight/{customer}"):
                assert ok(await client.get(f"{base}/events"))["items"] == []
                link = ok(await client.get(f"{base}/events/export"), 201)["download_link"]
                assert link.startswith(base.removesuffix(customer) + "downloads/scans/")
                assert (await client.get(link)).status_code == 200
            error(await client.get(own + "/graphql"), 404)
            assert (await client.options(own + "/anything")).status_code == 200
        assert factory.faults() == []

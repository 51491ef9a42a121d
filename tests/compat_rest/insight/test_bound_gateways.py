"""`oktograph serve --bind insight=PORT`: what is told of paths leads there."""

from pathlib import Path

import httpx2

from tests.support.callers import token_of
from tests.support.gateways import GATEWAY, common_name, ok, opened
from tests.support.processes import FactoryProcess, free_port


async def test_paths_and_links_are_those_of_its_own_port(tmp_path: Path) -> None:
    port = free_port()
    bound = FactoryProcess(tmp_path, "--bind", f"insight={port}", customer_alias="demo")
    async with bound as factory:
        own = f"http://127.0.0.1:{port}"
        headers = {"authorization": await token_of(factory)}
        async with httpx2.AsyncClient(base_url=own) as client:
            told = ok(await client.get("/auth-information", params={"id": "demo"}))
            base = f"/{told['customer_id']}"
            gateways = {"gateways": [GATEWAY | {"name": name} for name in ("a", "b")]}
            path = f"{base}/gateways/bulk-create"
            first, second = ok(await client.post(path, json=gateways, headers=headers), 201)
            path = f"{base}/gateways/{first['id']}/prepare-provisioning"
            prepared = ok(await client.post(path, headers=headers))
            assert prepared["registration_path"] == "/provisioning"
            body = {"token": prepared["token"]}
            found = ok(await client.post(prepared["registration_path"], json=body))
            assert common_name(opened(found["pkcs12"])) == "a"
            body = {"gateways": [{"gateway_id": second["id"]}]}
            path = f"{base}/create-provisioning-package"
            made = ok(await client.post(path, json=body, headers=headers))
            url = made["gateways"][0]["package_url"]
            assert url.startswith(f"{own}/provisioning-packages/")
            assert (await client.get(url)).status_code == 200
            path = f"{base}/gateways?limit=1"
            following = ok(await client.get(path, headers=headers))["links"]["next"]
            assert following.startswith(f"{base}/gateways?next_token=")
            assert len(ok(await client.get(following, headers=headers))["items"]) == 1
        assert factory.faults() == []

"""The whole way: a release goes up, a rollout of two groups sends it, real updaters fetch it over
HTTP from the artifact store, install it and report, and the rollout comes to its end."""

import asyncio
import base64
import contextlib
import os
import sys
from hashlib import sha256
from pathlib import Path
from typing import Any

import httpx2
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import StreamingResponse
from starlette.routing import Route

from domain.software.commands import CreateRollout, ReportUpdate, UploadRelease
from domain.software.models import RolloutState
from drivers.artifacts.signatures import TrustedKeys
from drivers.updater.download import Downloader, DownloadPolicy
from drivers.updater.hooks import Hook
from drivers.updater.order import Order, Report
from drivers.updater.updater import Updater, UpdaterConfig
from graph.software import resolvers
from tests.support.s3 import served
from tests.support.software import Factory, stream

BODY = os.urandom(600_000)
COPY = "import shutil,sys; shutil.copyfile(sys.argv[1], sys.argv[2])"


class Direct:
    """Reports as a face would bring them: with the device's own rights."""

    def __init__(self, factory: Factory, device_id: str) -> None:
        self._context = factory.device(device_id)

    async def report(self, report: Report) -> None:
        await resolvers.report_update(self._context, ReportUpdate.of(**report.as_json()))


def artifacts_of(factory: Factory, device_id: str) -> Starlette:
    async def artifact(request: Request) -> StreamingResponse:
        found = await resolvers.download_artifact(
            factory.device(device_id),
            request.path_params["id"],
            request.headers.get("range"),
            request.headers.get("if-range"),
        )
        part, headers = found.part, {"ETag": found.etag, "Content-Length": str(found.part.length)}
        if part.is_partial:
            headers["Content-Range"] = f"bytes {part.start}-{part.end - 1}/{part.size}"
        status = 206 if part.is_partial else 200
        return StreamingResponse(found.chunks, status, headers)

    return Starlette(routes=[Route("/{id}", artifact)])


async def update(
    factory: Factory, sent: dict[str, Any], folder: Path, trusted: TrustedKeys
) -> None:
    """What an edge does with its command; half of the artifact is there from before."""
    device_id = sent["device_id"]
    state = folder / device_id
    await asyncio.to_thread(state.mkdir)
    part = state / f"{sent['sha256']}.part"
    await asyncio.to_thread(part.write_bytes, BODY[:300_000])
    install = Hook((sys.executable, "-c", COPY, "{artifact}", str(folder / f"{device_id}.bin")))
    config = UpdaterConfig(state, install, lambda: "1.0.0", signatures=trusted)
    async with (
        served(artifacts_of(factory, device_id)) as url,
        httpx2.AsyncClient(trust_env=False) as http,
    ):
        order = Order.of(sent | {"url": f"{url}/{sent['release_id']}"})
        updater = await Updater.open(
            config,
            Downloader(http, DownloadPolicy()),
            Direct(factory, device_id),
            factory.services.clock,
        )
        running = asyncio.create_task(updater.run())
        await updater.accept(order)
        async with asyncio.timeout(20):
            while updater.unsent_reports or updater.phase != "ENDED":  # noqa: ASYNC110
                await asyncio.sleep(0.01)
        running.cancel()
        with contextlib.suppress(asyncio.CancelledError):
            await running


async def test_from_the_upload_to_the_last_device(factory: Factory, tmp_path: Path) -> None:
    key = Ed25519PrivateKey.generate()
    trusted = TrustedKeys({"k1": key.public_key().public_bytes_raw()})
    signature = base64.b64encode(key.sign(sha256(BODY).digest())).decode()
    command = UploadRelease.of(version="2.0.0", filename="fw.bin", signature=signature, key_id="k1")
    release = await resolvers.upload_release(factory.context(), command, stream(BODY))
    devices = await factory.add_devices(4)
    made = await resolvers.create_rollout(
        factory.context(),
        CreateRollout.of(release_id=release.id, name="r", device_ids=tuple(devices), group_count=2),
    )
    await resolvers.start_rollout(factory.context(), made.rollout.id)
    done: set[str] = set()
    for _ in range(2):
        await factory.sweeper().sweep()
        fresh = [one for one in await factory.commands() if one["device_id"] not in done]
        assert len(fresh) == 2
        for sent in fresh:
            await update(factory, sent, tmp_path, trusted)
            done.add(sent["device_id"])
    await factory.sweeper().sweep()
    assert (await factory.progress(made.rollout.id)).rollout.state is RolloutState.FINISHED
    assert done == set(devices)
    for device_id in devices:
        assert (tmp_path / f"{device_id}.bin").read_bytes() == BODY
    for target in await factory.targets(made.rollout.id):
        steps = await resolvers.steps_of_target(factory.context(), target.id)
        assert [str(step.state) for step in steps] == [
            "DOWNLOADING",
            "VERIFYING",
            "INSTALLING",
            "SUCCEEDED",
        ]

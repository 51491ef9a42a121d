"""An updater killed again and again: it comes to an end, and only whole bytes were installed."""

import asyncio
import json
import os
import random
import signal
import sys
from contextlib import suppress
from dataclasses import asdict
from hashlib import sha256
from pathlib import Path

import pytest

from drivers.updater.order import Order
from tests.support.downloads import artifact_server

BODY = os.urandom(3_000_000)
ROOT = Path(__file__).parents[3]


async def started(folder: Path, order: Order) -> asyncio.subprocess.Process:
    return await asyncio.create_subprocess_exec(
        sys.executable,
        "-m",
        "tests.support.updater_process",
        str(folder),
        json.dumps(asdict(order)),
        cwd=ROOT,
        env=os.environ | {"PYTHONPATH": os.pathsep.join(sys.path)},
    )


@pytest.mark.parametrize("seed", range(3))
async def test_killed_at_any_moment(tmp_path: Path, seed: int) -> None:
    moments = random.Random(seed)
    async with artifact_server(BODY) as server:
        server.cut_after = [moments.randrange(400_000) for _ in range(12)]
        digest = sha256(BODY).hexdigest()
        order = Order("t1", 1, 0, "r1", "edge", "2.0.0", "fw.bin", len(BODY), digest, server.url)
        for _ in range(6):
            process = await started(tmp_path, order)
            try:
                async with asyncio.timeout(moments.uniform(0.2, 1.6)):
                    await process.wait()
            except TimeoutError:
                with suppress(ProcessLookupError):  # it came to its end just now
                    process.send_signal(signal.SIGKILL)
                await process.wait()
        process = await started(tmp_path, order)
        async with asyncio.timeout(60):
            assert await process.wait() == 0
    reports = [json.loads(line) for line in (tmp_path / "reports").read_text().splitlines()]
    assert reports[-1]["state"] in ("SUCCEEDED", "ROLLED_BACK")
    ends = {one["report_key"] for one in reports if one["state"] in ("SUCCEEDED", "ROLLED_BACK")}
    assert len(ends) == 1
    if (tmp_path / "log").exists():
        assert set((tmp_path / "log").read_text().split()) == {digest}
    if reports[-1]["state"] == "SUCCEEDED":
        assert (tmp_path / "installed").read_bytes() == BODY

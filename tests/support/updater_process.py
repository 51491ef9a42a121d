"""An updater as a process of its own, to be killed. Arguments: folder, order as JSON."""

import asyncio
import json
import sys
from pathlib import Path

import httpx2

from domain.kernel.clock import SystemClock
from drivers.backoff import BackoffPolicy
from drivers.updater.download import Downloader, DownloadPolicy
from drivers.updater.hooks import Hook
from drivers.updater.order import Order, Phase, Report
from drivers.updater.updater import Updater, UpdaterConfig

INSTALL = """
import hashlib, pathlib, sys, time
artifact, log, place = map(pathlib.Path, sys.argv[1:4])
body = artifact.read_bytes()
with log.open("a") as file:
    file.write(hashlib.sha256(body).hexdigest() + "\\n")
time.sleep(0.05)
place.write_bytes(body)
"""


class FileReports:
    def __init__(self, path: Path) -> None:
        self._path = path

    async def report(self, report: Report) -> None:
        with self._path.open("a") as file:
            file.write(json.dumps(report.as_json()) + "\n")


async def main(folder: Path, order: Order) -> None:
    fast = BackoffPolicy(base_s=0.01, cap_s=0.02, floor_s=0.001)
    install = (sys.executable, "-c", INSTALL, "{artifact}", f"{folder}/log", f"{folder}/installed")
    config = UpdaterConfig(
        folder / "state",
        Hook(install),
        lambda: "1.0.0",
        rollback=Hook((sys.executable, "-c", "")),
    )
    async with httpx2.AsyncClient(trust_env=False) as http:
        downloader = Downloader(http, DownloadPolicy(100, backoff=fast))
        reports = FileReports(folder / "reports")
        updater = await Updater.open(config, downloader, reports, SystemClock())
        running = asyncio.create_task(updater.run())
        await updater.accept(order)
        while updater.phase is not Phase.ENDED or updater.unsent_reports:  # noqa: ASYNC110
            await asyncio.sleep(0.01)
        running.cancel()


if __name__ == "__main__":
    asyncio.run(main(Path(sys.argv[1]), Order.of(json.loads(sys.argv[2]))))

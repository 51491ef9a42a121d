"""The whole edge, as `oktograph serve` runs it, on one core."""

import json
import sys
from pathlib import Path
from typing import Any

import uvloop

from benchmarks.machine import allow_sockets, pin
from domain.kernel.retention import Pace
from oktograph.edge.runtime import EdgeRuntime
from oktograph.settings import Settings
from oktograph.web.asgi import edge_app
from oktograph.web.serving import Server, serve_all


async def main(options: dict[str, Any]) -> None:
    settings = Settings(
        _env_file=None,
        edge_port=options["port"],
        data_dir=Path(options["data_dir"]),
        edge_database_url=options.get("database_url", ""),
        scanners=options.get("scanners", []),
        factory_url=options.get("factory_url", ""),
        edge_token=options.get("edge_token"),
    )
    runtime = EdgeRuntime(settings)
    if "trim_every_s" in options:
        runtime.pace = Pace(every_s=options["trim_every_s"])
    await runtime.start()
    try:
        app = edge_app(runtime)
        print(json.dumps({"password": runtime.core.first_password}), flush=True)
        servers = [Server(app, settings.host, settings.edge_port)]
        await serve_all(servers, runtime.stop_streams)
    finally:
        await runtime.stop()


if __name__ == "__main__":
    given = json.loads(sys.argv[1])
    pin(given["core"])
    allow_sockets(8192)
    uvloop.run(main(given))

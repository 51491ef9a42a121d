"""The whole edge, as `oktograph serve` runs it, on one core."""

import asyncio
import gc
import json
import signal
import sys
from pathlib import Path
from typing import Any, Final

import uvloop

from benchmarks.machine import allow_sockets, pin
from domain.kernel.retention import Pace
from oktograph.edge.runtime import EdgeRuntime
from oktograph.logs import configure_logs
from oktograph.settings import Settings
from oktograph.web.edge import edge_app
from oktograph.web.serving import Server, serve_all

LINE: Final = ("scanners", "plcs", "plc_bindings", "lines")


async def main(options: dict[str, Any]) -> None:
    settings = Settings(
        _env_file=None,
        edge_port=options["port"],
        data_dir=Path(options["data_dir"]),
        edge_database_url=options.get("database_url", ""),
        **{name: options[name] for name in LINE if name in options},
        factory_url=options.get("factory_url", ""),
        edge_token=options.get("edge_token"),
    )
    # Whoever measures memory does not want to measure what the collector has yet to find.
    asyncio.get_running_loop().add_signal_handler(signal.SIGUSR1, gc.collect)
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
    configure_logs("error", "auto")  # devices would tell of each connection where we must answer
    pin(given["core"])
    allow_sockets(8192)
    uvloop.run(main(given))

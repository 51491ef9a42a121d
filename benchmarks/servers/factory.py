"""The whole factory, as `oktograph serve --role factory` runs it, in one process on one core."""

import json
import sys
from pathlib import Path
from typing import Any, Final

import uvloop

from benchmarks.machine import allow_sockets, pin
from oktograph.factory.runtime import FactoryRuntime
from oktograph.logs import configure_logs
from oktograph.settings import Settings
from oktograph.web.factory import factory_app
from oktograph.web.serving import Server, serve_all

TOLD: Final = ("mqtt", "mqtt_port", "rate_limits")


async def main(options: dict[str, Any]) -> None:
    settings = Settings(
        _env_file=None,
        factory_port=options["port"],
        data_dir=Path(options["data_dir"]),
        factory_database_url=options.get("database_url", ""),
        **{name: options[name] for name in TOLD if name in options},
    )
    runtime = FactoryRuntime(settings)
    await runtime.start()
    try:
        app = factory_app(runtime)
        print(json.dumps({"password": runtime.core.first_password}), flush=True)
        servers = [Server(app, settings.host, settings.factory_port)]
        await serve_all(servers, runtime.stop_streams)
    finally:
        await runtime.stop()


if __name__ == "__main__":
    given = json.loads(sys.argv[1])
    if "mqtt" not in given:  # its broker is a process of its own, and takes what core there is
        pin(given["core"])
    allow_sockets(8192)
    configure_logs("error", "json")
    uvloop.run(main(given))

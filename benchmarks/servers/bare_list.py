"""A FastAPI route that answers one document that it has in memory: the least that a list costs."""

import json
import sys
from pathlib import Path
from typing import Any

import uvloop
from fastapi import FastAPI

from benchmarks.machine import pin
from oktograph.web.serving import Server, serve_all


def list_app(document: Any) -> FastAPI:
    app = FastAPI()

    @app.get("/list")
    async def listed() -> Any:
        return document

    return app


async def main(options: dict[str, Any], document: Any) -> None:
    print("{}", flush=True)
    server = Server(list_app(document), "127.0.0.1", options["port"])
    await serve_all([server], _nothing_open)


async def _nothing_open() -> None:
    """There are no streams to be let go of."""


if __name__ == "__main__":
    given = json.loads(sys.argv[1])
    pin(given["core"])
    uvloop.run(main(given, json.loads(Path(given["document"]).read_bytes())))

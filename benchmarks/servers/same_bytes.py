"""A bare FastAPI route for each file of a folder: the very bytes, and nothing done for them."""

import json
import sys
from pathlib import Path
from typing import Any

import uvloop
from fastapi import FastAPI, Response

from benchmarks.machine import pin
from oktograph.web.serving import Server, serve_all


def add(app: FastAPI, name: str, body: bytes) -> None:
    @app.get(f"/{name}")
    async def answer() -> Response:
        return Response(body, media_type="application/json")


def same_app(folder: Path) -> FastAPI:
    app = FastAPI()
    for path in folder.iterdir():
        add(app, path.name, path.read_bytes())
    return app


async def main(options: dict[str, Any]) -> None:
    app = same_app(Path(options["folder"]))
    print("{}", flush=True)
    await serve_all([Server(app, "127.0.0.1", options["port"])], _nothing_open)


async def _nothing_open() -> None:
    """There are no streams to be let go of."""


if __name__ == "__main__":
    given = json.loads(sys.argv[1])
    pin(given["core"])
    uvloop.run(main(given))

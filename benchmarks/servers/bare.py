"""What one writes with FastAPI in an afternoon: the yardstick."""

import json
import sqlite3
import sys
from typing import Any

import uvloop
from fastapi import FastAPI
from sqlalchemy.ext.asyncio import AsyncSession, create_async_engine
from sqlmodel import col, select

from benchmarks.machine import pin
from compat_rest.kernel.okto.schemas import Data
from compat_rest.okto_edge.schemas import BottleItem, ScanBody, ScanVerdict
from domain.kernel.clock import iso
from domain.production.models import Bottle
from oktograph.web.serving import Server, serve_all

SELECT = (
    "SELECT lower(hex(id)), identifier, gtin, status, created_at_us, line_id, party, "
    "lower(hex(batch_id)) FROM bottle ORDER BY id DESC LIMIT ?"
)


def scan_app() -> FastAPI:
    """The same body and the same answer as the edge's scan; nothing is judged or stored."""
    app = FastAPI()

    @app.post("/scan", response_model=Data[ScanVerdict])
    async def scan(body: ScanBody) -> Data[ScanVerdict]:
        gtin, bottle_id = body.code[2:16], "01980000000070008000000000000000"
        verdict = ScanVerdict(
            valid=True,
            gtin=gtin,
            duplicate=False,
            message=None,
            bottle_id=bottle_id,
            reason=None,
        )
        return Data[ScanVerdict](success=True, data=verdict)

    return app


def add_list(app: FastAPI, path: str) -> None:
    """Bottles as the edge lists them, read by plain statements on the loop."""
    database = sqlite3.connect(path)

    @app.get("/bottles", response_model=Data[list[BottleItem]])
    async def bottles(limit: int = 100) -> Data[list[BottleItem]]:
        return Data[list[BottleItem]](
            success=True,
            data=[
                BottleItem(
                    id=row[0],
                    identifier=row[1],
                    gtin=row[2],
                    status=row[3],
                    created_at=iso(row[4]),
                    production_line_id=row[5],
                    party=row[6],
                    batch_id=row[7] or None,
                )
                for row in database.execute(SELECT, (limit,))
            ],
        )


def add_orm_list(app: FastAPI, path: str) -> None:
    """The same the way that tutorials have it."""
    engine = create_async_engine(f"sqlite+aiosqlite:///{path}")

    @app.get("/bottles-orm", response_model=Data[list[BottleItem]])
    async def bottles(limit: int = 100) -> Data[list[BottleItem]]:
        async with AsyncSession(engine) as session:
            found = await session.scalars(
                select(Bottle).order_by(col(Bottle.id).desc()).limit(limit)
            )
            items = [_item(bottle) for bottle in found]
        return Data[list[BottleItem]](success=True, data=items)


def _item(bottle: Bottle) -> BottleItem:
    return BottleItem(
        id=bottle.id,
        identifier=bottle.identifier,
        gtin=bottle.gtin,
        status=bottle.status,
        created_at=iso(bottle.created_at_us),
        production_line_id=bottle.line_id,
        party=bottle.party,
        batch_id=bottle.batch_id,
    )


async def main(options: dict[str, Any]) -> None:
    app = scan_app()
    if "database" in options:
        add_list(app, options["database"])
        add_orm_list(app, options["database"])
    print("{}", flush=True)
    await serve_all([Server(app, "127.0.0.1", options["port"])], _nothing_open)


async def _nothing_open() -> None:
    """There are no streams to be let go of."""


if __name__ == "__main__":
    given = json.loads(sys.argv[1])
    pin(given["core"])
    uvloop.run(main(given))

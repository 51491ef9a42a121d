"""An edge in a process of its own, to be killed: makes bottles and delivers, until it is.

Arguments: database URL, cloud URL, folder of the key, customer id. Prints a line for every
creation once it is committed."""

import asyncio
import sys
from pathlib import Path

from domain.kernel.clock import SystemClock
from domain.kernel.database import Database
from domain.kernel.tail import LogTail
from domain.kernel.uow import Transactions
from domain.production.commands import CreateBatch, CreateBottles, NewBottle
from drivers.cloud.client import HttpCloud
from drivers.secrets.fernet import FernetBox
from graph.production import resolvers as production
from tests.support.databases import TailWakeUps
from tests.support.edges import open_edge


async def work(url: str, cloud_url: str, keys: str, customer_id: str) -> None:
    database = Database(url)
    tail = LogTail(database)
    transactions = Transactions(database, SystemClock(), TailWakeUps(tail))
    secrets = FernetBox.in_folder(Path(keys))
    async with (
        HttpCloud(cloud_url) as cloud,
        open_edge(int(customer_id), transactions, tail, cloud, secrets) as edge,
    ):
        while True:
            example = edge.services.scans.codes.example
            bottles = tuple(NewBottle(identifier=example()) for _ in range(30))
            made = await production.create_bottles(edge.context(), CreateBottles(bottles=bottles))
            command = CreateBatch.of(bottle_ids=tuple(row.id for row in made[:10]))
            await production.create_batch(edge.context(), command)
            sys.stdout.write(" ".join(row.id for row in made) + "\n")
            sys.stdout.flush()
            await edge.runner.deliver(edge.customer_id, within_s=10)


if __name__ == "__main__":
    asyncio.run(work(*sys.argv[1:]))

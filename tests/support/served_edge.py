"""A whole edge for clients that are not asyncio."""

from collections.abc import Iterator
from contextlib import asynccontextmanager, contextmanager
from pathlib import Path
from random import Random
from typing import Any, TypeAlias

from domain.production.codes import DEFAULT_CATALOGUE
from domain.production.codes import generate_code as code_of
from drivers.cloud.simulator.data import DEMO
from drivers.cloud.simulator.server import running_cloud
from drivers.cloud.simulator.state import CloudState
from oktograph.edge.runtime import EdgeRuntime
from oktograph.settings import Settings
from oktograph.web.edge import edge_app
from tests.support.served_thread import ServedRuntime, Started, served

ServedEdge: TypeAlias = ServedRuntime[EdgeRuntime]


@contextmanager
def served_edge(data_dir: Path, **settings: Any) -> Iterator[ServedEdge]:
    """In demo mode, with the bundled cloud, without scanners."""

    @asynccontextmanager
    async def start() -> Started[EdgeRuntime]:
        async with running_cloud(state=CloudState(DEMO, next_code=_cloud_code)) as cloud:
            given = {"demo": True, "mock": True, "cloud_url": cloud.url, **settings}
            runtime = EdgeRuntime(Settings(data_dir=data_dir, _env_file=None, **given))
            await runtime.start()
            try:
                yield runtime, edge_app(runtime)
            finally:
                await runtime.stop()

    with served(start) as service:
        yield service


def _cloud_code(gtin: str, industry: str) -> str:
    return code_of(DEFAULT_CATALOGUE.profiles_of(industry)[0], Random(), gtin)

"""A whole factory for clients that are not asyncio."""

from collections.abc import Iterator
from contextlib import asynccontextmanager, contextmanager
from pathlib import Path
from typing import Any, TypeAlias

from oktograph.factory.runtime import FactoryRuntime
from oktograph.settings import Settings
from oktograph.web.factory import factory_app
from tests.support.served_thread import ServedRuntime, Started, served

ServedFactory: TypeAlias = ServedRuntime[FactoryRuntime]


@contextmanager
def served_factory(data_dir: Path, **settings: Any) -> Iterator[ServedFactory]:
    """In demo mode, without devices."""

    @asynccontextmanager
    async def start() -> Started[FactoryRuntime]:
        given = {"demo": True, **settings}
        runtime = FactoryRuntime(Settings(data_dir=data_dir, _env_file=None, **given))
        await runtime.start()
        try:
            yield runtime, factory_app(runtime)
            await runtime.stop_streams()
        finally:
            await runtime.stop()

    with served(start) as service:
        yield service

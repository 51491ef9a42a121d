"""What the runtimes of an edge and of a factory have in common: how they begin and end."""

from abc import ABC, abstractmethod
from contextlib import AsyncExitStack

from domain.kernel.retention import Pace, Trimmer
from graph.context import Policy, Services
from oktograph.background import background
from oktograph.core import Core
from oktograph.restarting import OwnProcess
from oktograph.retention import trimmer
from oktograph.settings import Settings
from oktograph.web.entry import ServiceEntry


class Runtime(ABC):
    """Built by `start`, taken down by `stop` in the opposite order, whatever had been started."""

    core: Core
    services: Services
    entry: ServiceEntry
    trimmer: Trimmer

    def __init__(self, settings: Settings) -> None:
        self.settings = settings
        self.pace = Pace()
        self.own_process = OwnProcess(supervised=settings.supervised)
        self._stack = AsyncExitStack()

    async def start(self) -> None:
        try:
            await self._start()
            self.trimmer = trimmer(self.core, self.services.sync.runner, self.pace)
            self._stack.push_async_callback(background(self.trimmer.run, "retention"))
        except BaseException:
            await self._stack.aclose()
            raise

    async def stop_streams(self) -> None:
        """Subscribers are told that the service stops; all else goes on until `stop`."""
        await self.services.streams.close()

    async def stop(self) -> None:
        await self._stack.aclose()

    @abstractmethod
    async def _start(self) -> None: ...

    def _policy(self) -> Policy:
        settings = self.settings
        return Policy(
            mock_mode=settings.mock_mode,
            industry=settings.industry,
            gs1_company_prefix=settings.gs1_company_prefix,
            origin=settings.edge_identifier,
            time_zone=settings.time_zone,
            customer_alias=settings.alias,
            public_url=settings.public_url,
            downloads_path="/insight/downloads/exports",
            drain_timeout_s=settings.drain_timeout_s,
        )

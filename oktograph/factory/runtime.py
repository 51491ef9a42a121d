"""The factory: everything that one of its processes has, started and stopped in order."""

from domain.identity.installation.ports import Restarter
from domain.identity.ports import TokenKind
from drivers.identity.actors import ActorSource
from drivers.identity.devices import DeviceSource
from drivers.identity.oauth.sources import ClientSource, GrantSource
from drivers.rates import Rates
from graph.context import Services
from oktograph.core import open_core
from oktograph.factory.fleet import CloudSwitch, KeptFigures, fleet_services
from oktograph.factory.no_line import NoLine
from oktograph.factory.programs import oauth_services, program_accounts
from oktograph.factory.software import software_services
from oktograph.runtime import Runtime
from oktograph.settings import Place, Settings
from oktograph.synchronisation import forwarding_services
from oktograph.upkeep import installation_services
from oktograph.web.entry import ServiceEntry


class FactoryRuntime(Runtime):
    """One process of a factory. `worker` numbers those that share a machine, from 0: the first
    one alone delivers to the cloud. Several need PostgreSQL and a broker."""

    rates: Rates

    def __init__(
        self, settings: Settings, worker: int = 0, restarter: Restarter | None = None
    ) -> None:
        """`restarter` where it is not this process that ends."""
        super().__init__(settings)
        self.worker = worker
        self._restarter = restarter or self.own_process

    async def stop_streams(self) -> None:
        """Devices too: they dial in again, here or elsewhere."""
        await super().stop_streams()
        if self.services.fleet is not None:
            await self.services.fleet.sessions.close()

    async def _start(self) -> None:
        settings, stack = self.settings, self._stack
        core = self.core = await open_core(
            settings, stack, settings.factory_database, "factory", worker=self.worker
        )
        self.rates = core.rates(stack)
        await program_accounts(core)
        sources: dict[TokenKind, ActorSource] = {
            TokenKind.CLIENT: ClientSource(core.database),
            TokenKind.DEVICE: DeviceSource(core.database),
            TokenKind.GRANT: GrantSource(core.database),
        }
        sync = await forwarding_services(core, CloudSwitch(), stack, deliver=self.worker == 0)
        fleet = fleet_services(core, stack)
        self.services = Services(
            database=core.database,
            transactions=core.transactions,
            clock=core.clock,
            tail=core.tail,
            fanout=core.fanout,
            streams=core.streams,
            policy=self._policy(),
            build=core.build,
            identity=core.identity(stack, sources, oauth_services(core)),
            scans=core.intake(stack),
            sync=sync,
            line=NoLine(),
            fleet=fleet,
            software=software_services(core, fleet.settings, stack),
            fleet_figures=KeptFigures(),
            installation=installation_services(core, Place.FACTORY, self._restarter, stack),
        )
        self.entry = ServiceEntry(self.services)

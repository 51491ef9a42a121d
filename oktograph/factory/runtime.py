"""The factory: everything that one of its processes has, started and stopped in order."""

from typing import TYPE_CHECKING

from domain.identity.installation.ports import Restarter
from domain.identity.ports import TokenKind
from drivers.identity.actors import ActorSource
from drivers.identity.devices import DeviceSource
from drivers.identity.oauth.sources import ClientSource, GrantSource
from drivers.rates import Rates
from graph.context import Services
from oktograph.core import open_core
from oktograph.factory.exports import export_services
from oktograph.factory.files import artifact_store, config_file_services
from oktograph.factory.fleet import CloudSwitch, KeptFigures, fleet_services
from oktograph.factory.gateways import gateway_services, installation_authority
from oktograph.factory.no_line import NoLine
from oktograph.factory.programs import oauth_services, program_accounts
from oktograph.factory.software import software_services
from oktograph.runtime import Runtime
from oktograph.settings import Place, Settings
from oktograph.synchronisation import forwarding_services
from oktograph.upkeep import installation_services
from oktograph.web.entry import ServiceEntry

if TYPE_CHECKING:
    from oktograph.factory.mqtt import GatewayLink


class FactoryRuntime(Runtime):
    """One process of a factory. `worker` numbers those that share a machine, from 0: the first
    one alone delivers to the cloud. Several need PostgreSQL and a broker."""

    rates: Rates
    gateways: "GatewayLink | None" = None
    """What takes gateways' scans, in the first process and where a broker is configured."""

    def __init__(
        self,
        settings: Settings,
        worker: int = 0,
        restarter: Restarter | None = None,
        *,
        serves: bool = True,
    ) -> None:
        """`restarter` where it is not this process that ends. One that does not serve is there to
        prepare what others will."""
        super().__init__(settings)
        self.worker = worker
        self._restarter = restarter or self.own_process
        self._takes_scans = serves and worker == 0 and settings.mqtt_wanted

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
        artifacts = artifact_store(settings)
        scans = core.intake(stack)
        authority = installation_authority(core)
        if self._takes_scans:
            # Imported here: a factory without gateways need not wait for it.
            from oktograph.factory.mqtt import gateway_link

            self.gateways = await gateway_link(core, scans, authority, stack)
        endpoint = self.gateways.public if self.gateways else settings.mqtt_endpoint
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
            scans=scans,
            sync=sync,
            line=NoLine(),
            fleet=fleet,
            software=software_services(core, fleet.settings, artifacts, stack),
            exports=export_services(core, artifacts, stack),
            config_files=config_file_services(core, artifacts, stack),
            gateways=gateway_services(core, authority, endpoint, stack),
            fleet_figures=KeptFigures(),
            installation=installation_services(core, Place.FACTORY, self._restarter, stack),
        )
        self.entry = ServiceEntry(self.services)

"""Puts gateways together: whose certificates they get, where they are told to publish."""

from contextlib import AsyncExitStack

from domain.gateways.ports import BrokerAddress, GatewayServices
from domain.gateways.sweeper import GatewaySweeper
from drivers.certificates.authority import InstallationAuthority
from drivers.secrets.fernet import FernetBox
from oktograph.background import background
from oktograph.core import Core


def installation_authority(core: Core) -> InstallationAuthority:
    """The same for all processes of the installation."""
    keys = core.settings.keys
    return InstallationAuthority.in_folder(keys, FernetBox.in_folder(keys), core.clock)


def gateway_services(
    core: Core, authority: InstallationAuthority, endpoint: str, stack: AsyncExitStack
) -> GatewayServices:
    """Started; `stack` takes it down again. `endpoint` is the broker as gateways are told."""
    services = GatewayServices(
        authority=authority,
        broker=BrokerAddress(endpoint, core.settings.mqtt_topic_prefix),
        box=FernetBox.in_folder(core.settings.keys),
    )
    sweeper = GatewaySweeper(core.transactions, services.settings)
    stack.push_async_callback(background(sweeper.run, "gateway-sweeper"))
    return services

"""Puts gateways together: whose certificates they get, where they are told to publish."""

from contextlib import AsyncExitStack

from domain.gateways.ports import BrokerAddress, GatewayServices
from domain.gateways.sweeper import GatewaySweeper
from drivers.certificates.authority import InstallationAuthority
from drivers.secrets.fernet import FernetBox
from oktograph.background import background
from oktograph.core import Core


def gateway_services(core: Core, stack: AsyncExitStack) -> GatewayServices:
    """Started; `stack` takes it down again."""
    settings = core.settings
    box = FernetBox.in_folder(settings.keys)
    services = GatewayServices(
        authority=InstallationAuthority.in_folder(settings.keys, box, core.clock),
        broker=BrokerAddress(settings.mqtt_public_url, settings.mqtt_topic_prefix),
        box=box,
    )
    sweeper = GatewaySweeper(core.transactions, services.settings)
    stack.push_async_callback(background(sweeper.run, "gateway-sweeper"))
    return services

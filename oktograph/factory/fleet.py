"""Puts the fleet together: live sessions, awaited answers, what the sweeper looks after."""

from contextlib import AsyncExitStack
from dataclasses import dataclass

from domain.fleet.ports import FleetServices
from domain.fleet.repository import configuration, devices
from domain.fleet.results import ResultWaiter
from domain.fleet.rules import FleetSettings
from domain.fleet.sessions import SessionRegistry
from domain.fleet.sweeper import FleetSweeper
from domain.kernel.database import ReadSession
from domain.production.ports import FleetTotals
from oktograph.background import background
from oktograph.core import Core


def fleet_services(core: Core, stack: AsyncExitStack) -> FleetServices:
    """Started; `stack` takes it down again, sessions first."""
    settings = FleetSettings(heartbeat_s=core.settings.heartbeat_s)
    results = ResultWaiter(max_waiting=settings.max_waiting, max_for_one=settings.max_open)
    services = FleetServices(SessionRegistry(), results, settings)
    stack.callback(services.results.follow(core.tail))
    stack.callback(services.sessions.follow(core.tail))
    sweeper = FleetSweeper(core.transactions, settings)
    stack.push_async_callback(background(sweeper.run, "fleet-sweeper"))
    stack.push_async_callback(services.sessions.close)
    return services


@dataclass(frozen=True, slots=True)
class KeptFigures:
    """`FleetFigures` from the devices' own rows."""

    async def totals(self, session: ReadSession, customer_id: int) -> FleetTotals:
        return FleetTotals(*await devices.totals(session, customer_id))


@dataclass(frozen=True, slots=True)
class CloudSwitch:
    """`cloudSyncEnabled` of the fleet's connection settings, as sync asks for it."""

    async def is_on(self, session: ReadSession, customer_id: int) -> bool:
        return (await configuration.settings(session, customer_id)).cloud_sync_enabled

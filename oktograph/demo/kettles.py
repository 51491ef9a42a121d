"""The demo's endpoints: kettles in two kitchens, and what the orchestrator has for them."""

from collections.abc import AsyncIterator
from typing import Any, Final

from domain.fleet.commands import RegisterDevice
from domain.fleet.models import DeviceKind
from domain.kernel.actor import Actor, ActorKind
from domain.kernel.errors import NotFound
from domain.kernel.permissions import Permission
from domain.software.commands import (
    CreateEndpointFilter,
    CreateRelease,
    EndpointQuery,
    ReportInstalled,
    TargetFilter,
)
from domain.software.models import RolloutStrategy
from domain.software.rows import SoftwareName
from graph.context import Context
from graph.fleet import resolvers as fleet
from graph.software import resolvers as software
from oktograph.factory.runtime import FactoryRuntime

APPLICATION: Final = "smart-kettle"
KETTLES: Final = (
    ("kettle-001", "Kettle of the lab", "Zone D - Lab", "1.0.1"),
    ("kettle-002", "Kettle of the canteen", "Zone E - Canteen", "1.0.1"),
    ("kettle-003", "Kettle of the gate", "Zone E - Gate", "1.0.0"),
)
PILOTS: Final = "kettles-of-the-lab"
RELEASES: Final[tuple[dict[str, Any], ...]] = (
    {"version": "1.0.0", "strategy": RolloutStrategy.GENERAL},
    {
        "version": "1.0.1",
        "upgradable_from": ("1.0.0",),
        "strategy": RolloutStrategy.GENERAL,
        "release_metadata": '"Keeps the temperature at altitude"',
    },
    {
        "version": "1.1.0",
        "upgradable_from": ("1.0.0", "1.0.1"),
        "strategy": RolloutStrategy.TARGETED,
        "filters": (TargetFilter.of(filter=PILOTS),),
        "needs_file": True,
        "specification": '{"slot":"b"}',
        "release_metadata": '{"notes":"Whistles"}',
    },
    {
        "version": "2.0.0",
        "upgradable_from": ("1.1.0",),
        "strategy": RolloutStrategy.SUSPENDED,
        "specification": '{"slot":"a"}',
    },
)
FILE: Final = "kettle-1.1.0.bin"
_MAY: Final = frozenset(
    {
        Permission.FLEET_DEVICE_READ,
        Permission.FLEET_DEVICE_WRITE,
        Permission.SOFTWARE_RELEASE_READ,
        Permission.SOFTWARE_RELEASE_WRITE,
        Permission.SOFTWARE_ROLLOUT_DEPLOY,
        Permission.SOFTWARE_ROLLOUT_READ,
        Permission.SOFTWARE_UPDATE_REPORT,
    }
)


async def prepared_kettles(factory: FactoryRuntime) -> None:
    """Once: what people change or remove later stays so."""
    actor = Actor(ActorKind.SYSTEM, factory.core.customer.id, "", "demo", _MAY)
    context = Context(actor, factory.services)
    try:
        await software.list_software(context, APPLICATION)
    except NotFound:
        await _stock(context)


async def _stock(context: Context) -> None:
    """The application comes last: until it is there, a start that was cut short is gone on with."""
    if await fleet.device(context, KETTLES[0][0]) is None:
        await fleet.register_devices(context, [_kettle(*one) for one in KETTLES])
    for identifier, _, _, version in KETTLES:
        report = ReportInstalled.of(device=identifier, application=APPLICATION, version=version)
        await software.report_installed(context, report)
    if await software.endpoint_filter(context, PILOTS) is None:
        query = EndpointQuery.of(kind=DeviceKind.MONITOR, place="Zone D")
        pilots = CreateEndpointFilter.of(name="Kettles of the lab", identifier=PILOTS, query=query)
        await software.create_endpoint_filter(context, pilots)
    for one in RELEASES:
        await software.create_release(context, CreateRelease.of(application=APPLICATION, **one))
    await software.put_file(context, SoftwareName(APPLICATION, "1.1.0"), FILE, _firmware())


def _kettle(identifier: str, name: str, location: str, _version: str) -> RegisterDevice:
    return RegisterDevice.of(
        identifier=identifier, name=name, kind=DeviceKind.MONITOR, location=location
    )


async def _firmware() -> AsyncIterator[bytes]:
    yield b"A kettle's firmware, version 1.1.0\n" * 100

"""The demo's factory: edges in two groups, a release that is rolled out to one, then the other,
some sensors, kettles that wait for software, and a gateway with its worn scanner."""

import io
import tarfile
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack
from typing import Final

from domain.fleet.commands import CreateGroup
from domain.kernel.actor import Actor, ActorKind
from domain.kernel.paging import PageRequest
from domain.kernel.permissions import Permission
from domain.software.commands import CreateRollout, PlanGroup, ReleaseFilter, UploadRelease
from drivers.factory.simulation.fleet import simulated_edges
from drivers.factory.simulation.sensors import SensorCredentials, simulated_sensors
from drivers.factory.simulation.settings import EdgeBehaviour, EdgeCredentials
from graph.context import Context
from graph.fleet import resolvers as fleet
from graph.software import resolvers as software
from oktograph.demo.gateways import DemoGateway, prepared_gateway, publishing
from oktograph.demo.kettles import prepared_kettles
from oktograph.demo.sensors import prepared_sensors
from oktograph.factory.introduction import introduce
from oktograph.factory.runtime import FactoryRuntime

SIMULATED: Final = ("edge-002", "edge-003", "edge-004")
VERSION: Final = "1.1.0"
DEADLINE_S: Final = 3_600
_MAY: Final = frozenset(
    {
        Permission.FLEET_GROUP_WRITE,
        Permission.SOFTWARE_RELEASE_READ,
        Permission.SOFTWARE_RELEASE_WRITE,
        Permission.SOFTWARE_ROLLOUT_DEPLOY,
    }
)


class DemoFactory:
    """`prepare` it while it starts, then let its edges, sensors and gateway `begin`."""

    def __init__(self, own_edge: str) -> None:
        self._own_edge = own_edge
        self._credentials: list[EdgeCredentials] = []
        self._sensors: list[SensorCredentials] = []
        self._gateway: DemoGateway | None = None
        self._runs = "1.0.0"

    async def prepare(self, factory: FactoryRuntime) -> None:
        """Devices' tokens at every start; the rest once."""
        self._credentials = [
            EdgeCredentials(name, await introduce(factory, name, f"Simulated {name}"))
            for name in SIMULATED
        ]
        self._sensors = await prepared_sensors(factory)
        self._gateway = await prepared_gateway(factory, factory.settings.data_dir)
        await prepared_kettles(factory)
        context = Context(
            Actor(ActorKind.SYSTEM, factory.core.customer.id, "", "demo", _MAY), factory.services
        )
        wanted = ReleaseFilter(version=VERSION)
        if (await software.list_releases(context, wanted, PageRequest(1))).rows:
            self._runs = VERSION
        else:
            await self._stock(context)

    async def begin(self, factory_url: str, stack: AsyncExitStack) -> None:
        behaviour = EdgeBehaviour(rate=0.5, install_s=1.0, firmware_version=self._runs)
        await stack.enter_async_context(simulated_edges(factory_url, self._credentials, behaviour))
        await stack.enter_async_context(simulated_sensors(factory_url, self._sensors))
        if self._gateway is not None:
            await stack.enter_async_context(publishing(self._gateway))

    async def _stock(self, context: Context) -> None:
        pilots = await _group(context, "Pilot line", SIMULATED[:1])
        others = await _group(context, "All other lines", (*SIMULATED[1:], self._own_edge))
        upload = UploadRelease.of(version=VERSION, filename=f"edge-{VERSION}.tar.gz")
        release = await software.upload_release(context, upload, _archive())
        made = await software.create_rollout(
            context,
            CreateRollout.of(
                release_id=release.id,
                name=f"Version {VERSION}, pilot first",
                groups=(
                    PlanGroup.of(name="Pilot", device_group_ids=(pilots,)),
                    PlanGroup.of(name="Everybody else", device_group_ids=(others,)),
                ),
                deadline_s=DEADLINE_S,
            ),
        )
        await software.start_rollout(context, made.rollout.id)


async def _group(context: Context, name: str, devices: tuple[str, ...]) -> str:
    command = CreateGroup.of(name=name, description="Of the demo", devices=devices)
    return (await fleet.create_group(context, command)).id


async def _archive() -> AsyncIterator[bytes]:
    """A firmware that any edge can install: an archive with a file in it."""
    content = f"Oktograph's demo firmware {VERSION}\n".encode()
    packed = io.BytesIO()
    with tarfile.open(fileobj=packed, mode="w:gz") as archive:
        entry = tarfile.TarInfo("README")
        entry.size = len(content)
        archive.addfile(entry, io.BytesIO(content))
    yield packed.getvalue()

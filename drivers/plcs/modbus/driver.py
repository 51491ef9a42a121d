"""Controllers on Modbus, and PROFINET ones behind a gateway that speaks it."""

from collections.abc import AsyncIterator, Mapping, Sequence
from contextlib import asynccontextmanager

from domain.kernel.clock import Clock
from domain.kernel.errors import ValidationFailed
from drivers.connections import Connections
from drivers.plcs.modbus.places import Place, place_of
from drivers.plcs.modbus.pool import ModbusPool
from drivers.plcs.modbus.session import ModbusSession
from drivers.plcs.modbus.settings import ModbusSettings
from drivers.plcs.modbus.unit import Unit
from drivers.plcs.polling import PolledPlc
from drivers.plcs.port import OnTag, PlcConfig, PlcProtocol
from drivers.plcs.tags import TagBinding


def build(
    config: PlcConfig,
    bindings: Sequence[TagBinding],
    on_tag: OnTag,
    connections: Connections,
    clock: Clock,
) -> PolledPlc:
    """As PlcPort says."""
    endpoint = config.modbus_endpoint
    places = places_of(config, bindings)
    pool = connections.pool(ModbusPool)
    settings = config.modbus

    @asynccontextmanager
    async def session() -> AsyncIterator[ModbusSession]:
        async with pool.lease(endpoint) as connection:
            await connection.client().settled(settings.unit_id)
            unit = Unit(connection, settings.unit_id, config.timeout_s, settings.retries)
            yield ModbusSession(unit, places, settings)

    return PolledPlc(config, bindings, on_tag, session, clock, lambda: pool.counters(endpoint))


def places_of(config: PlcConfig, bindings: Sequence[TagBinding]) -> Mapping[str, Place]:
    """By name. Raises ValidationFailed."""
    through = config.modbus.gateway if config.protocol is PlcProtocol.PROFINET else None
    places = {binding.name: place_of(binding, through) for binding in bindings}
    for name, place in places.items():
        if place.count > _most(config.modbus, place):
            raise ValidationFailed(f"bindings.{name}.address", "is larger than one request may be")
    return places


def _most(settings: ModbusSettings, place: Place) -> int:
    return settings.max_bits if place.table.of_bits else settings.max_registers

"""A device by the number in a path."""

from domain.fleet.rows import ConfigurationRow, DeviceRow
from domain.kernel.errors import NotFound
from graph.context import Context
from graph.fleet import resolvers


async def device_of(caller: Context, number: int) -> DeviceRow:
    """Raises NotFound."""
    row = await resolvers.device_by_number(caller, number)
    if row is None:
        raise NotFound("Device", str(number))
    return row


async def configuration_of(caller: Context, row: DeviceRow) -> ConfigurationRow:
    """What is desired of it; the empty version 0 before anything was."""
    found = await resolvers.desired_configuration(caller, row.id)
    return found or ConfigurationRow(row.id)

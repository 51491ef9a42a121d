"""Use cases of controllers and their tags."""

from domain.kernel.errors import NotFound
from domain.kernel.permissions import Permission
from domain.line.models import HardwareKind
from domain.line.ports import LinePort, LinkStatus, PlcStatus, PlcTag, TagReading
from graph.context import Context


async def plcs(context: Context) -> list[PlcStatus]:
    context.actor.require(Permission.LINE_HARDWARE_READ)
    return _line(context).plcs()


async def plc(context: Context, plc_id: str) -> PlcStatus:
    """Raises NotFound."""
    context.actor.require(Permission.LINE_HARDWARE_READ)
    return _plc(context, plc_id)


async def test_plc(context: Context, plc_id: str) -> LinkStatus:
    """How it is, after a fresh attempt where it was not connected."""
    context.actor.require(Permission.LINE_HARDWARE_OPERATE)
    return await _line(context).test(_plc(context, plc_id).key)


async def plc_tags(context: Context, plc_id: str) -> list[PlcTag]:
    """What the controller has, or what is bound where it cannot tell."""
    context.actor.require(Permission.LINE_HARDWARE_READ)
    return await _line(context).plc_tags(_plc(context, plc_id).id)


async def tag_values(context: Context) -> list[TagReading]:
    """The last that is known of each tag."""
    context.actor.require(Permission.LINE_HARDWARE_READ)
    return _line(context).tag_values()


async def read_tag(context: Context, name: str) -> TagReading:
    """Asked of the controller anew."""
    context.actor.require(Permission.LINE_HARDWARE_READ)
    return await _line(context).read_tag(name)


async def write_tag(context: Context, name: str, value: bool | int | float | str) -> TagReading:
    """Once the controller has confirmed it."""
    context.actor.require(Permission.LINE_HARDWARE_OPERATE)
    return await _line(context).write_tag(name, value)


def _line(context: Context) -> LinePort:
    line = context.services.line
    line.require(HardwareKind.PLCS)
    return line


def _plc(context: Context, plc_id: str) -> PlcStatus:
    found = next((one for one in _line(context).plcs() if one.id == plc_id), None)
    if found is None:
        raise NotFound("PLC", plc_id)
    return found

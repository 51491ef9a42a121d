"""Fields of the line's hardware, and of the lines themselves."""

from typing import Any

import strawberry
from strawberry.scalars import JSON

from domain.kernel.errors import ValidationFailed
from domain.line.models import HardwareKind
from graph.info import Info
from graph.line import resolvers
from graph.line.device_inputs import PlcInput, ScannerInput, TagBindingInput
from graph.line.device_types import (
    DeviceLink,
    Line,
    Plc,
    PlcPlace,
    Tag,
    device_link_type,
    line_type,
    place_type,
    plc_type,
    tag_type,
)
from graph.line.types import Scanner, scanner_type

hardware_kind = strawberry.enum(HardwareKind, description="What a line is configured with")


@strawberry.type
class HardwareQuery:
    @strawberry.field(
        description="What is in force of a kind, as its mutation takes it; secrets are masked"
    )
    async def hardware_configuration(self, info: Info, kind: HardwareKind) -> JSON | None:
        found = await resolvers.configured(info.context, kind)
        return None if found is None else JSON(found)

    @strawberry.field(description="The controllers, as they stand right now")
    async def plcs(self, info: Info) -> list[Plc]:
        return [plc_type(one) for one in await resolvers.plcs(info.context)]

    @strawberry.field(description="What a controller has, or what is bound where it cannot tell")
    async def plc_places(self, info: Info, plc_id: str) -> list[PlcPlace]:
        return [place_type(one) for one in await resolvers.plc_tags(info.context, plc_id)]

    @strawberry.field(description="Every tag, with the last that is known of it")
    async def tags(self, info: Info) -> list[Tag]:
        return [tag_type(one) for one in await resolvers.tag_values(info.context)]

    @strawberry.field(description="One tag, asked of its controller anew")
    async def tag(self, info: Info, name: str) -> Tag:
        return tag_type(await resolvers.read_tag(info.context, name))

    @strawberry.field(description="The lines that have a plan, and whether each may run")
    async def lines(self, info: Info) -> list[Line]:
        return [line_type(one) for one in await resolvers.lines(info.context)]


@strawberry.type
class HardwareMutation:
    @strawberry.mutation(description="Replaces all; only scanners that changed restart")
    async def set_scanners(self, info: Info, scanners: list[ScannerInput]) -> list[Scanner]:
        await _configure(info, HardwareKind.SCANNERS, scanners)
        return [scanner_type(one) for one in await resolvers.scanners(info.context)]

    @strawberry.mutation(description="Replaces all; only controllers that changed restart")
    async def set_plcs(self, info: Info, plcs: list[PlcInput]) -> list[Plc]:
        await _configure(info, HardwareKind.PLCS, plcs)
        return [plc_type(one) for one in await resolvers.plcs(info.context)]

    @strawberry.mutation(description="Replaces all; only controllers whose tags changed restart")
    async def set_plc_bindings(self, info: Info, bindings: list[TagBindingInput]) -> list[Tag]:
        await _configure(info, HardwareKind.PLC_BINDINGS, bindings)
        return [tag_type(one) for one in await resolvers.tag_values(info.context)]

    @strawberry.mutation(description="Replaces the plans of all lines; what is under way goes on")
    async def set_lines(self, info: Info, lines: JSON) -> list[Line]:
        if not isinstance(lines, list):
            raise ValidationFailed("lines", "must be a list")
        await resolvers.configure(info.context, {HardwareKind.LINES: lines})
        return [line_type(one) for one in await resolvers.lines(info.context)]

    @strawberry.mutation(description="How it is, after a fresh attempt where it was not connected")
    async def test_scanner(self, info: Info, index: int) -> DeviceLink:
        return device_link_type(await resolvers.test_scanner(info.context, index))

    @strawberry.mutation(description="How it is, after a fresh attempt where it was not connected")
    async def test_plc(self, info: Info, id: str) -> DeviceLink:
        return device_link_type(await resolvers.test_plc(info.context, id))

    @strawberry.mutation(description="Answers once the controller has confirmed it")
    async def write_tag(self, info: Info, name: str, value: JSON) -> Tag:
        if not isinstance(value, bool | int | float | str):
            raise ValidationFailed("value", "must be a truth value, a number or text")
        return tag_type(await resolvers.write_tag(info.context, name, value))

    @strawberry.mutation
    async def stop_line(self, info: Info, id: str, reason: str) -> Line:
        return line_type(await resolvers.stop_line(info.context, id, reason))

    @strawberry.mutation
    async def start_line(self, info: Info, id: str) -> Line:
        return line_type(await resolvers.start_line(info.context, id))


async def _configure(info: Info, kind: HardwareKind, given: list[Any]) -> None:
    await resolvers.configure(info.context, {kind: [one.document() for one in given]})

"""What the server says of the nodes that tags are bound to, before anything is asked of them."""

from collections.abc import Sequence
from dataclasses import dataclass

from asyncua import ua
from asyncua.common.ua_utils import data_type_to_variant_type
from asyncua.ua.attribute_ids import AttributeIds
from asyncua.ua.uaerrors import UaError

from drivers.plcs.opc_ua.addresses import NodeAddress
from drivers.plcs.opc_ua.client import ServerSession
from drivers.plcs.opc_ua.values import built_in, fitting, said
from drivers.plcs.tags import TagBinding, TagRefused

_ATTRIBUTES = (AttributeIds.DataType, AttributeIds.ValueRank, AttributeIds.Value)


class TypeRefused(TagRefused):
    """The node is there, and of another type than the binding says."""


@dataclass(frozen=True, slots=True)
class Place:
    """Where a tag is. `value` is what it held when it was looked up."""

    node: ua.NodeId
    kind: ua.VariantType
    value: ua.DataValue


async def looked_up(
    session: ServerSession, bindings: Sequence[TagBinding]
) -> dict[str, Place | TagRefused]:
    """By name. Raises what a request of the session may."""
    nodes: dict[str, ua.NodeId] = {}
    found: dict[str, Place | TagRefused] = {}
    for binding in bindings:
        try:
            nodes[binding.name] = session.node_id(NodeAddress.parse(binding.address))
        except TagRefused as refused:
            found[binding.name] = refused
    wanted = [(node, attribute) for node in nodes.values() for attribute in _ATTRIBUTES]
    answers = iter(await session.read(wanted))
    by_name = {binding.name: binding for binding in bindings}
    for name, node in nodes.items():
        facts = next(answers), next(answers), next(answers)
        try:
            found[name] = await _place(session, by_name[name], node, *facts)
        except TagRefused as refused:
            found[name] = refused
    return found


async def _place(
    session: ServerSession,
    binding: TagBinding,
    node: ua.NodeId,
    data_type: ua.DataValue,
    rank: ua.DataValue,
    value: ua.DataValue,
) -> Place:
    if data_type.StatusCode is not None and data_type.StatusCode.is_bad():
        raise TagRefused(f"{binding.address}: {said(data_type.StatusCode)}")
    kind = await kind_of(session, data_type, value)
    if kind is None:
        raise TagRefused("is of a type that the controller does not explain")
    try:
        return Place(node, fitting(binding, kind, is_array=is_array(rank)), value)
    except TagRefused as refused:
        raise TypeRefused(str(refused)) from None


def is_array(rank: ua.DataValue) -> bool:
    """By the ValueRank: negative ones allow a single value."""
    found = rank.Value.Value if rank.Value is not None else None
    return isinstance(found, int) and found >= 0


async def kind_of(
    session: ServerSession, data_type: ua.DataValue, value: ua.DataValue | None = None
) -> ua.VariantType | None:
    """How values of the node are encoded: by its data type, by the value it holds, or by what the
    server's own type comes from."""
    declared = data_type.Value.Value if data_type.Value is not None else None
    if (kind := built_in(declared)) is not None:
        return kind
    held = value.Value if value is not None else None
    if held is not None and held.VariantType is not ua.VariantType.Null:
        return held.VariantType
    if not isinstance(declared, ua.NodeId):
        return None
    async with session.answering():
        try:
            return await data_type_to_variant_type(session.client.get_node(declared))
        except (UaError, ValueError):
            return None

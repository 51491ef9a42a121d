"""The variables that a server has, found by walking down from its Objects folder."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import structlog
from asyncua import ua
from asyncua.ua.attribute_ids import AttributeIds
from asyncua.ua.object_ids import ObjectIds

from drivers.plcs.opc_ua.client import ServerSession, node_id
from drivers.plcs.opc_ua.nodes import is_array, kind_of
from drivers.plcs.opc_ua.values import type_name
from drivers.plcs.tags import TagInfo

log: structlog.stdlib.BoundLogger = structlog.get_logger(__name__)

# A server's own tree may be endless (it may even run in circles): what people look through is not.
MAX_DEPTH = 12
MAX_VARIABLES = 5000
MAX_NODES = 20_000
# Each may have many children, so that fewer are asked for at once than are read.
NODES_IN_A_REQUEST = 25

_ATTRIBUTES = (
    AttributeIds.DataType,
    AttributeIds.ValueRank,
    AttributeIds.UserAccessLevel,
    AttributeIds.Description,
)
_FOLLOWED = ua.NodeClass.Object | ua.NodeClass.Variable
_SHOWN = ua.BrowseResultMask.NodeClass | ua.BrowseResultMask.BrowseName


@dataclass(frozen=True, slots=True)
class _Found:
    node: ua.NodeId
    path: str


async def variables(session: ServerSession, names: Mapping[ua.NodeId, str]) -> list[TagInfo]:
    """Breadth first. `names` are of the nodes that are bound. Raises what a request may."""
    found = await _walked(session)
    wanted = [(each.node, attribute) for each in found for attribute in _ATTRIBUTES]
    answers = await session.read(wanted)
    width = len(_ATTRIBUTES)
    facts = [answers[at : at + width] for at in range(0, len(answers), width)]
    kinds = await _kinds(session, [each[0] for each in facts])
    return [
        _info(each, names.get(each.node), kinds, *told)
        for each, told in zip(found, facts, strict=True)
    ]


async def _kinds(
    session: ServerSession, data_types: Sequence[ua.DataValue]
) -> dict[object, ua.VariantType | None]:
    """Asked once for each type, however many variables are of it."""
    kinds: dict[object, ua.VariantType | None] = {}
    for data_type in data_types:
        if _content(data_type) not in kinds:
            kinds[_content(data_type)] = await kind_of(session, data_type)
    return kinds


async def _walked(session: ServerSession) -> list[_Found]:
    root = node_id(ObjectIds.ObjectsFolder)
    seen, level, found = {root}, [_Found(root, "")], list[_Found]()
    for _ in range(MAX_DEPTH):
        below = []
        for parent, child in await _children(session, level):
            # Namespace 0 is the server's own: its diagnostics, aliases, locations.
            if child.NodeId.NamespaceIndex == 0 or child.NodeId in seen:
                continue
            seen.add(child.NodeId)
            path = f"{parent.path}.{child.BrowseName.Name}".removeprefix(".")
            below.append(_Found(child.NodeId, path))
            if child.NodeClass == ua.NodeClass.Variable:
                found.append(below[-1])
        level = below
        if not level or len(found) >= MAX_VARIABLES or len(seen) >= MAX_NODES:
            break
    if level:
        log.warning("opc_ua_browse_cut_short", server=session.peer, variables=len(found))
    return found[:MAX_VARIABLES]


async def _children(
    session: ServerSession, level: Sequence[_Found]
) -> list[tuple[_Found, ua.ReferenceDescription]]:
    children: list[tuple[_Found, ua.ReferenceDescription]] = []
    for at in range(0, len(level), NODES_IN_A_REQUEST):
        part = level[at : at + NODES_IN_A_REQUEST]
        asked = ua.BrowseParameters(NodesToBrowse=[_description(each.node) for each in part])
        async with session.answering():
            results = await session.client.uaclient.browse(asked)
        for parent, result in zip(part, results, strict=False):
            children += [(parent, child) for child in await _whole(session, result)]
        if len(children) >= MAX_NODES:
            break
    return children


async def _whole(session: ServerSession, result: ua.BrowseResult) -> list[ua.ReferenceDescription]:
    """With what the server kept for later."""
    children = list(result.References or ())
    while result.ContinuationPoint and len(children) < MAX_NODES:
        asked = ua.BrowseNextParameters(ContinuationPoints=[result.ContinuationPoint])
        async with session.answering():
            (result,) = await session.client.uaclient.browse_next(asked)
        children += result.References or ()
    return children


def _description(node: ua.NodeId) -> ua.BrowseDescription:
    return ua.BrowseDescription(
        NodeId=node,
        BrowseDirection=ua.BrowseDirection.Forward,
        ReferenceTypeId=node_id(ObjectIds.HierarchicalReferences),
        IncludeSubtypes=True,
        NodeClassMask=_FOLLOWED,
        ResultMask=_SHOWN,
    )


def _info(
    found: _Found,
    name: str | None,
    kinds: Mapping[object, ua.VariantType | None],
    data_type: ua.DataValue,
    rank: ua.DataValue,
    access: ua.DataValue,
    description: ua.DataValue,
) -> TagInfo:
    kind, told, level = kinds[_content(data_type)], _content(description), _content(access)
    return TagInfo(
        address=found.node.to_string(),
        type=type_name(kind, is_array=is_array(rank)) if kind is not None else "UNKNOWN",
        name=name,
        description=(told.Text if isinstance(told, ua.LocalizedText) else None) or found.path,
        writable=bool(level & 1 << ua.AccessLevel.CurrentWrite) if isinstance(level, int) else None,
    )


def _content(answer: ua.DataValue) -> object:
    return answer.Value.Value if answer.Value is not None else None

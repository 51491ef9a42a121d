"""Subscriptions that read the event log: where their events come from, and who may share them.

A subscription field with a `StreamSource` is resumable by its argument `after`, a cursor. Two
subscribers whose operations differ in `after` only, and whose rights are the same, share one
execution and one serialisation of every event.
"""

from collections.abc import AsyncGenerator, Awaitable, Callable, Hashable, Iterable, Mapping
from contextlib import aclosing
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any, Final, Protocol

import orjson
from graphql import (
    FieldNode,
    GraphQLSchema,
    OperationDefinitionNode,
    TypeInfo,
    TypeInfoVisitor,
    VariableDefinitionNode,
    VariableNode,
    Visitor,
    print_ast,
    separate_operations,
    visit,
)

from domain.kernel.actor import Actor
from domain.kernel.errors import ValidationFailed
from domain.kernel.eventlog import LogRow
from domain.kernel.fanout import Fanout
from graph.documents import DocumentStore, PreparedDocument, PreparedOperation, sha256
from graph.periodic import Periodic

if TYPE_CHECKING:
    from graph.execution import EngineContext

AFTER: Final = "after"
QUEUE_LIMIT: Final = 1_000
Arguments = Mapping[str, Any]


@dataclass(frozen=True, slots=True)
class StreamSource:
    """One root field of Subscription.

    `authorise` is handed the subscriber's context and raises a DomainError for a denied one.
    `event` builds the root value (an instance of the field's type) for a row of the log, or None
    for a row that is not for these arguments and this customer; its result may depend on the
    customer and the permissions of the context's actor, not on who the actor is. Arguments have
    their Python names and are converted as for a resolver; those not given are missing, `after`
    is left out. `admit` is for rights that depend on the arguments.
    """

    field: str
    authorise: Callable[[Any], None]
    event: Callable[[LogRow, Arguments, Any], object | None]
    admit: Callable[[Any, Arguments], Awaitable[None]] | None = None


class Streams:
    """The registry of stream sources, and the fan-out that feeds them."""

    def __init__(
        self, fanout: Fanout, sources: Iterable[StreamSource], *, queue_limit: int = QUEUE_LIMIT
    ) -> None:
        self.fanout = fanout
        self.queue_limit = queue_limit
        self.periodic = Periodic()
        """Figures that are worked out every so often."""
        self._sources = {source.field: source for source in sources}

    @property
    def live(self) -> int:
        """How many follow something, of the log's or a figure."""
        return self.fanout.subscriptions + self.periodic.followers

    async def close(self) -> None:
        """Ends every subscription by Stopping, of the log's and of figures; refuses new ones."""
        await self.periodic.close()
        await self.fanout.close()

    def source(self, field: str) -> StreamSource | None:
        """By the GraphQL name of the subscription's root field."""
        return self._sources.get(field)

    async def open(
        self, context: "EngineContext", field: str, arguments: Arguments
    ) -> AsyncGenerator[object, None]:
        """Root values for one subscriber alone, from behind `arguments["after"]` if it is given.

        Raises what `authorise` raises, ValidationFailed for a malformed cursor and StreamGap for
        one that the log no longer reaches.
        """
        source = self._sources[field]
        given = {name: value for name, value in arguments.items() if name != AFTER}
        position = await self.admitted(source, context, given, arguments.get(AFTER))

        async def render(row: LogRow) -> object | None:
            return source.event(row, given, context)

        subscription = self.fanout.subscribe(
            object(), render, position, self.queue_limit, context.actor
        )
        async with aclosing(subscription):
            async for delivery in subscription:
                yield delivery.body

    async def admitted(
        self,
        source: StreamSource,
        context: "EngineContext",
        arguments: Arguments,
        after: str | None,
    ) -> int | None:
        """Where the subscriber starts in the log, once it is allowed to."""
        source.authorise(context)
        if source.admit is not None:
            await source.admit(context, arguments)
        return None if after is None else await self.fanout.tail.position(after)


class StreamingContext(Protocol):
    """A resolver's context that knows the streams."""

    @property
    def streams(self) -> Streams: ...


def open_stream(context: Any, field: str, arguments: Arguments) -> AsyncGenerator[Any, None]:
    """For the plain Strawberry resolver of a stream; `context` is a StreamingContext.

    `field` is the GraphQL name of the root field. See Streams.open.
    """
    streams: Streams = context.streams
    return streams.open(context, field, arguments)


@dataclass(frozen=True, slots=True)
class SharedOperation:
    """A subscription operation without its `after`, in one spelling for all who ask the same."""

    operation: PreparedOperation
    digest: str
    variables: frozenset[str]

    def given(self, raw: Mapping[str, Any]) -> dict[str, Any]:
        """The variables that this operation has, of those that a client sent."""
        return {name: value for name, value in raw.items() if name in self.variables}

    def key(self, raw: Mapping[str, Any], actor: Actor) -> Hashable:
        """Equal for subscribers who are to be sent the same. Rights are part of it."""
        try:
            values = orjson.dumps(self.given(raw), option=orjson.OPT_SORT_KEYS)
        except TypeError:
            raise ValidationFailed("variables", "nested too deeply") from None
        return (self.digest, values, actor.kind, actor.customer_id, actor.permissions)


def shared_operation(
    store: DocumentStore, document: PreparedDocument, operation: PreparedOperation, field: str
) -> SharedOperation:
    """Takes the argument `after` of the root field out of the operation."""
    name = operation.node.name.value if operation.node.name else ""
    alone = separate_operations(document.node)[name]
    info = TypeInfo(store.schema)
    stripped = visit(alone, TypeInfoVisitor(info, _WithoutAfter(info, store.schema, field)))
    pruned = visit(stripped, _WithoutUnused(_used_variables(stripped)))
    prepared = store.operations_of(pruned)[name]
    variables = frozenset(
        definition.variable.name.value for definition in prepared.node.variable_definitions or ()
    )
    return SharedOperation(prepared, sha256(print_ast(pruned)), variables)


class _WithoutAfter(Visitor):
    def __init__(self, info: TypeInfo, schema: GraphQLSchema, field: str) -> None:
        super().__init__()
        self._info = info
        self._root = schema.subscription_type
        self._field = field

    def enter_field(self, node: FieldNode, *_: object) -> FieldNode | None:
        if self._info.get_parent_type() is not self._root or node.name.value != self._field:
            return None
        kept = tuple(one for one in node.arguments or () if one.name.value != AFTER)
        return None if len(kept) == len(node.arguments or ()) else replace(node, arguments=kept)


class _WithoutUnused(Visitor):
    def __init__(self, used: set[str]) -> None:
        super().__init__()
        self._used = used

    def enter_operation_definition(
        self, node: OperationDefinitionNode, *_: object
    ) -> OperationDefinitionNode:
        kept = tuple(
            definition
            for definition in node.variable_definitions or ()
            if definition.variable.name.value in self._used
        )
        return replace(node, variable_definitions=kept)


class _Variables(Visitor):
    def __init__(self) -> None:
        super().__init__()
        self.found: set[str] = set()

    def enter_variable_definition(self, _node: VariableDefinitionNode, *_: object) -> Any:
        return False  # SKIP: a definition is no use

    def enter_variable(self, node: VariableNode, *_: object) -> None:
        self.found.add(node.name.value)


def _used_variables(document: Any) -> set[str]:
    variables = _Variables()
    visit(document, variables)
    return variables.found

"""The engine: requests to results, subscriptions to streams of serialised results.

Strawberry makes the schema; graphql-core executes it. A document is prepared once (see
documents.py), nothing is validated twice, and an executor is all that a request builds.
"""

import inspect
from collections.abc import AsyncGenerator, AsyncIterator, Callable
from contextlib import aclosing
from dataclasses import dataclass, field, replace
from decimal import Decimal
from typing import Any, Final, Protocol, cast
from weakref import WeakKeyDictionary

import orjson
import strawberry
from graphql import ExecutionResult, GraphQLError, OperationType
from graphql.execution import Executor, create_source_event_stream
from graphql.execution.values import VariableValues, get_argument_values
from strawberry.types.arguments import convert_arguments
from strawberry.types.field import StrawberryField

from domain.kernel.actor import Actor
from domain.kernel.errors import DomainError, ValidationFailed
from domain.kernel.eventlog import LogRow
from domain.kernel.fanout import Delivery
from graph.documents import DocumentStore, PreparedDocument, PreparedOperation
from graph.errors import (
    FormattedError,
    RequestRefused,
    domain_error,
    format_errors,
    format_request_errors,
    innermost,
    masked,
    refusal,
)
from graph.executor import run_operation
from graph.streams import AFTER, SharedOperation, Streams, StreamSource, shared_operation

SHARED_STREAM: Final = "shared stream"
Result = dict[str, Any]
"""`data` and `errors` as the specification has them; without `data` nothing was executed."""


class EngineContext(Protocol):
    """What the engine knows of the context that resolvers get as `info.context`."""

    @property
    def actor(self) -> Actor: ...

    @property
    def expires_at_us(self) -> int | None:
        """When the caller's token ends, in microseconds since the epoch."""

    @property
    def correlation_id(self) -> str: ...

    def fresh(self, actor: Actor) -> "EngineContext":
        """A new context with loaders of its own, for one more operation on a socket or one event
        of a stream: what a loader keeps is right for one of them only. For a shared event,
        `actor` has the subscribers' rights and no identity."""


@dataclass(frozen=True, slots=True)
class GraphQLRequest:
    query: str | None
    operation_name: str | None = None
    variables: dict[str, Any] = field(default_factory=dict)
    extensions: dict[str, Any] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class PreparedRequest:
    """A valid operation with its variables: what is left to do is to run it."""

    document: PreparedDocument
    operation: PreparedOperation
    variables: VariableValues
    raw_variables: dict[str, Any]

    @property
    def kind(self) -> OperationType:
        return self.operation.kind


class ResponseStream(Protocol):
    """Serialised results. `seq` is the event's place in the log, 0 for a stream without cursors.

    Ends by StopAsyncIteration, or by raising a DomainError (StreamGap for a slow reader). Close
    it in any case; `contextlib.aclosing` does.
    """

    def __aiter__(self) -> AsyncIterator[Delivery[str]]: ...

    async def __anext__(self) -> Delivery[str]: ...

    async def aclose(self) -> None: ...


class Engine:
    """Executes requests against one schema. Knows no transport."""

    def __init__(self, schema: strawberry.Schema, store: DocumentStore, streams: Streams) -> None:
        self.store = store
        self.streams = streams
        self._strawberry = schema
        self._shared: WeakKeyDictionary[PreparedOperation, SharedOperation] = WeakKeyDictionary()

    def prepare(self, request: GraphQLRequest) -> PreparedRequest:
        """RequestRefused if the document, the operation's name or the variables are wrong."""
        document = self.store.find(request.query, request.extensions)
        operation = document.operation(request.operation_name)
        variables = operation.coerce(request.variables)
        return PreparedRequest(document, operation, variables, request.variables)

    async def execute(
        self, request: GraphQLRequest | PreparedRequest, context: EngineContext
    ) -> Result:
        """A query or a mutation. Never raises for what a request can bring about."""
        try:
            if isinstance(request, GraphQLRequest):
                request = self.prepare(request)
            if request.kind is OperationType.SUBSCRIPTION:
                raise refusal(
                    ValidationFailed("query", "a subscription needs a stream: WebSocket or SSE")
                )
            found = run_operation(request.operation, None, context, request.variables)
            executed = await found if inspect.isawaitable(found) else found
        except RequestRefused as refused:
            return refused_result(refused, context.correlation_id)
        return _result(executed, context.correlation_id)

    async def subscription(
        self,
        request: GraphQLRequest | PreparedRequest,
        context: EngineContext,
        after: str | None = None,
    ) -> ResponseStream:
        """`after` overrides the argument of that name, if the field has one (Last-Event-ID).

        RequestRefused if it is refused: by the source's authorisation, for its cursor, or as in
        `prepare`.
        """
        if isinstance(request, GraphQLRequest):
            request = self.prepare(request)
        if request.kind is not OperationType.SUBSCRIPTION:
            raise refusal(ValidationFailed("query", "is not a subscription"))
        root = _root_field(request.operation, request.variables)
        source = self.streams.source(root.name)
        if source is None:
            return await self._unshared(request, context)
        try:
            return await self._shared_stream(request, context, source, root, after)
        except RequestRefused:
            raise
        except Exception as error:
            raise RequestRefused([root.located(error)]) from error

    def end_streams(self, predicate: Callable[[Actor], bool], error: DomainError) -> int:
        """Ends the log's subscriptions of some actors, for example when rights were revoked."""
        return self.streams.fanout.end_where(
            lambda one: isinstance(one.owner, Actor) and predicate(one.owner), error
        )

    async def _shared_stream(
        self,
        request: PreparedRequest,
        context: EngineContext,
        source: StreamSource,
        root: "_RootField",
        after: str | None,
    ) -> ResponseStream:
        values = dict(root.values)
        given = values.pop(AFTER, None)
        start = after if after is not None and AFTER in root.definition.args else given
        arguments = self._python_arguments(root, values)
        position = await self.streams.admitted(source, context, arguments, start)
        shared = self._sharing(request, source.field)
        render = _Renderer(shared, request.raw_variables, source, arguments, context)
        return self.streams.fanout.subscribe(
            shared.key(request.raw_variables, context.actor),
            render,
            position,
            self.streams.queue_limit,
            context.actor,
        )

    def _sharing(self, request: PreparedRequest, field_name: str) -> SharedOperation:
        known = self._shared.get(request.operation)
        if known is None:
            known = shared_operation(self.store, request.document, request.operation, field_name)
            self._shared[request.operation] = known
        return known

    def _python_arguments(self, root: "_RootField", values: dict[str, Any]) -> dict[str, Any]:
        definition = root.definition.extensions.get("strawberry-definition")
        if not isinstance(definition, StrawberryField):
            return values
        return convert_arguments(
            values,
            [one for one in definition.arguments if one.python_name != AFTER],
            scalar_registry=self._strawberry.schema_converter.scalar_registry,
            config=self._strawberry.config,
        )

    async def _unshared(self, request: PreparedRequest, context: EngineContext) -> ResponseStream:
        """A field that brings its own source of events: executed for this subscriber alone."""
        executor = Executor.build(
            request.operation.schema,
            request.document.node,
            context_value=context,
            raw_variable_values=request.raw_variables,
            operation_name=request.operation.node.name.value
            if request.operation.node.name
            else None,
        )
        if isinstance(executor, list):
            raise RequestRefused(executor)
        found = create_source_event_stream(executor)
        events = await found if inspect.isawaitable(found) else found
        if isinstance(events, ExecutionResult):
            raise RequestRefused(events.errors or ())
        return _own_events(request, context, cast("AsyncGenerator[object, None]", events))


async def _own_events(
    request: PreparedRequest, context: EngineContext, events: AsyncGenerator[object, None]
) -> AsyncGenerator[Delivery[str], None]:
    async with aclosing(events):
        async for event in events:
            found = run_operation(request.operation, event, context, request.variables)
            executed = await found if inspect.isawaitable(found) else found
            result = _result(executed, context.correlation_id)
            yield Delivery(0, serialise(result, context.correlation_id).decode())


class _Renderer:
    """Executes and serialises one event, for all subscribers of a group."""

    def __init__(
        self,
        shared: SharedOperation,
        raw_variables: dict[str, Any],
        source: StreamSource,
        arguments: dict[str, Any],
        context: EngineContext,
    ) -> None:
        self._operation = shared.operation
        self._variables = shared.operation.coerce(shared.given(raw_variables))
        self._source = source
        self._arguments = arguments
        # Whoever came first must not be who the others see: rights are shared, names are not.
        self._actor = replace(context.actor, id="", name=SHARED_STREAM)
        self._context = context.fresh(self._actor)

    async def __call__(self, row: LogRow) -> str | None:
        correlation_id = self._context.correlation_id
        try:
            root = self._source.event(row, self._arguments, self._context)
            if root is None:
                return None
            context = self._context.fresh(self._actor)
            found = run_operation(self._operation, root, context, self._variables)
            executed = await found if inspect.isawaitable(found) else found
            result = _result(executed, correlation_id)
        except Exception as error:  # noqa: BLE001 - told to every subscriber, and logged if masked
            result = {"data": None, "errors": [fault(error, correlation_id)]}
        return serialise(result, correlation_id).decode()


@dataclass(frozen=True, slots=True)
class _RootField:
    name: str
    nodes: list[Any]
    definition: Any
    values: dict[str, Any]
    response_name: str

    def located(self, error: Exception) -> GraphQLError:
        return GraphQLError(str(error), self.nodes, path=[self.response_name], original_error=error)


def _root_field(operation: PreparedOperation, variables: VariableValues) -> _RootField:
    """The one root field of a valid subscription, with its arguments."""
    grouped = operation.collect(variables).grouped_field_set
    response_name, details = next(iter(grouped.items()))
    nodes = [detail.node for detail in details]
    definition = operation.schema.get_field(operation.root_type, nodes[0].name.value)
    if definition is None:
        raise RequestRefused([GraphQLError("The subscription field is not defined.", nodes)])
    try:
        values = get_argument_values(definition, nodes[0], variables)
    except GraphQLError as error:
        raise RequestRefused([error]) from error
    return _RootField(nodes[0].name.value, nodes, definition, values, response_name)


def refused_result(refused: RequestRefused, correlation_id: str) -> Result:
    return {"errors": format_request_errors(refused, correlation_id)}


def fault(error: Exception, correlation_id: str) -> FormattedError:
    """What ended a stream, as the error that its subscriber is sent."""
    cause = innermost(error) if isinstance(error, GraphQLError) else error
    if isinstance(cause, DomainError):
        return domain_error(cause, None, correlation_id)
    return masked(cause, correlation_id)


def serialise(result: Any, correlation_id: str) -> bytes:
    """JSON. A value that JSON does not have is a fault of the schema's, and masked."""
    try:
        return orjson.dumps(result, default=_plain)
    except TypeError as error:
        return orjson.dumps({"data": None, "errors": [masked(error, correlation_id)]})


def _result(executed: ExecutionResult, correlation_id: str) -> Result:
    if not executed.errors:
        return {"data": executed.data}
    return {"data": executed.data, "errors": format_errors(executed.errors, correlation_id)}


def _plain(value: object) -> object:
    if isinstance(value, Decimal):
        return str(value)
    raise TypeError(f"not a JSON value: {type(value).__name__}")

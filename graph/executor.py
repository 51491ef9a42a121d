"""graphql-core's executor, less what an operation's earlier executions have done already."""

import inspect
from collections.abc import Awaitable
from typing import Any, cast

from graphql import ExecutionResult, FieldNode, GraphQLError, GraphQLObjectType, OperationType
from graphql.execution import Executor, default_field_resolver, default_type_resolver
from graphql.execution.collect_fields import GroupedFieldSet
from graphql.execution.values import VariableValues
from graphql.pyutils import AwaitableOrValue, Path, Undefined

from graph.attributes import AttributeKey, PlainAttribute, plain_attribute
from graph.documents import PreparedOperation


def run_operation(
    operation: PreparedOperation, root_value: Any, context: Any, variables: VariableValues
) -> AwaitableOrValue[ExecutionResult]:
    """The one place where an operation is executed; for a subscription, one event of it."""
    executor = PreparedExecutor(
        operation.schema,
        operation.definitions,
        operation.fragments,
        root_value,
        context,
        operation.node,
        variables,
        default_field_resolver,
        default_type_resolver,
        default_field_resolver,
        hide_suggestions=operation.hide_suggestions,
    )
    executor.attributes = operation.attributes
    return executor.run(operation)


class PreparedExecutor(Executor[Any]):
    """graphql-core's executor with the memory of earlier executions of the same operation.

    Most fields of a result are plain attributes with a scalar or an enum in them. They are read
    without what a resolver would need: a path, an info, a call through two layers. Whatever is
    not as it should be there is left to graphql-core, with its errors.
    """

    attributes: dict[AttributeKey, PlainAttribute | None]

    def run(self, operation: PreparedOperation) -> AwaitableOrValue[ExecutionResult]:
        try:
            if operation.conditional:
                collected = operation.collect(self.variable_values)
            else:
                collected = operation.collected
                self._relevant_sub_fields = operation.sub_fields
            data = self.execute_root_grouped_field_set(
                operation.root_type,
                self.root_value,
                collected.grouped_field_set,
                operation.kind is OperationType.MUTATION,
                None,
            )
        except GraphQLError as error:
            self.collected_errors.add(error, None)
            return self._response(None)
        if inspect.isawaitable(data):
            return self._awaited(data)
        return self._response(data)

    async def _awaited(self, data: Any) -> ExecutionResult:
        try:
            return self._response(await data)
        except GraphQLError as error:
            self.collected_errors.add(error, None)
            return self._response(None)

    def _response(self, data: dict[str, Any] | None) -> ExecutionResult:
        return ExecutionResult(data, self.collected_errors.errors or None)

    def execute_fields(
        self,
        parent_type: GraphQLObjectType,
        source_value: Any,
        path: Path | None,
        grouped_field_set: GroupedFieldSet,
        position_context: Any,
    ) -> AwaitableOrValue[dict[str, Any]]:
        results: dict[str, Any] = {}
        others: GroupedFieldSet = {}
        for name, details in grouped_field_set.items():
            value = self._attribute(parent_type, details[0].node, source_value)
            results[name] = value
            if value is Undefined:
                others[name] = details
        if not others:
            return results
        found = super().execute_fields(parent_type, source_value, path, others, position_context)
        if self.is_awaitable(found):
            return _completed(results, found)
        results.update(cast(dict[str, Any], found))
        return results

    def _attribute(self, parent_type: GraphQLObjectType, node: FieldNode, source: Any) -> Any:
        """The field's value, Undefined for a field that graphql-core has to execute."""
        # By identity: nodes and types are compared by their whole contents otherwise.
        key = (id(node), id(parent_type))
        try:
            attribute = self.attributes[key]
        except KeyError:
            attribute = plain_attribute(self.schema.get_field(parent_type, node.name.value))
            self.attributes[key] = attribute
        return Undefined if attribute is None else attribute.read(source)


async def _completed(results: dict[str, Any], others: Awaitable[dict[str, Any]]) -> dict[str, Any]:
    results.update(await others)  # the order is that of the document: the names are there already
    return results

"""What a document may ask for at most, and what it costs.

Cost is counted in fields: each field costs its weight (1, or the entry `Type.field` of the
weights) plus the cost of what is selected below it. Below a list the cost counts once for each
row that may come: as many as the field's `first` or `last` says, or `default_page` without one;
of a list that is known to be short, as many as `rows` says.
The `first` of a connection counts for the lists right below it (`edges`, `nodes`). A variable
counts at its value, or at `max_page` if that is not a number. An interface or union costs the sum
of its branches. Introspection costs a flat `introspection_cost` for each root field.
"""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any, Final

from graphql import (
    DocumentNode,
    FieldNode,
    FragmentDefinitionNode,
    FragmentSpreadNode,
    GraphQLCompositeType,
    GraphQLError,
    GraphQLField,
    GraphQLSchema,
    InlineFragmentNode,
    IntValueNode,
    OperationDefinitionNode,
    SelectionNode,
    SelectionSetNode,
    VariableNode,
    get_named_type,
    get_nullable_type,
    is_composite_type,
    is_list_type,
)

from graph.errors import limit_error

PAGE_ARGUMENTS: Final = ("first", "last")
SHORT_LISTS: Final[Mapping[str, int]] = {
    "Device.groups": 5,
    "Device.latestTelemetry": 10,
    "Rollout.groups": 5,
    "RolloutGroup.counts": 10,
    "RolloutTarget.steps": 10,
}
Fragments = Mapping[str, FragmentDefinitionNode]


@dataclass(frozen=True, slots=True)
class Limits:
    """Settings; the defaults let the queries of GraphiQL and of code generators pass."""

    depth: int = 12
    aliases: int = 30
    tokens: int = 2_000
    characters: int = 100_000
    root_fields: int = 20
    directives: int = 50
    selections: int = 5_000
    """Fields and spreads of one operation, each fragment counted as often as it is spread."""
    overlaps: int = 5_000
    """Pairs of fields with one response name: validation compares each, at some 20 us a pair."""
    cost: int = 20_000
    default_page: int = 50
    max_page: int = 500
    introspection_cost: int = 5_000
    weights: Mapping[str, int] = field(default_factory=dict)
    rows: Mapping[str, int] = field(default_factory=lambda: dict(SHORT_LISTS))
    """By `Type.field`: how many a list without a page usually has."""


@dataclass(slots=True)
class _Counts:
    depth: int = 0
    aliases: int = 0
    root_fields: int = 0
    directives: int = 0
    selections: int = 0


def structure_error(document: DocumentNode, limits: Limits) -> GraphQLError | None:
    """Checks what needs no schema, before the validation spends time on the document."""
    fragments = fragments_of(document)
    overlaps = 0
    for definition in document.definitions:
        if isinstance(definition, OperationDefinitionNode):
            found = _count(definition, fragments, limits)
            for limit in ("selections", "depth", "aliases", "root_fields", "directives"):
                if getattr(found, limit) > getattr(limits, limit):
                    return limit_error(limit, getattr(limits, limit), getattr(found, limit))
        if isinstance(definition, OperationDefinitionNode | FragmentDefinitionNode):
            # A fragment that nobody spreads is compared as well.
            overlaps += _overlaps(definition.selection_set, fragments, limits)
    if overlaps > limits.overlaps:
        return limit_error("overlaps", limits.overlaps, overlaps)
    return None


def fragments_of(document: DocumentNode) -> dict[str, FragmentDefinitionNode]:
    return {
        definition.name.value: definition
        for definition in document.definitions
        if isinstance(definition, FragmentDefinitionNode)
    }


def _count(operation: OperationDefinitionNode, fragments: Fragments, limits: Limits) -> _Counts:
    """Walks the operation with its fragments in place, and stops once it is over a limit, so a
    cycle or an exponential nest of fragments costs no more than `limits.selections` steps."""
    counts = _Counts(directives=len(operation.directives or ()))
    waiting = [(operation.selection_set, 1)]
    while waiting and counts.selections <= limits.selections and counts.depth <= limits.depth:
        selection_set, depth = waiting.pop()
        for selection in selection_set.selections:
            counts.selections += 1
            counts.directives += len(selection.directives or ())
            below = _below(selection, fragments)
            if isinstance(selection, FieldNode):
                _count_field(selection, depth, counts)
                # Introspection has a rule of its own for its depth.
                if below is not None and not selection.name.value.startswith("__"):
                    waiting.append((below, depth + 1))
            elif below is not None:
                waiting.append((below, depth))
    return counts


def _count_field(selection: FieldNode, depth: int, counts: _Counts) -> None:
    counts.depth = max(counts.depth, depth)
    counts.aliases += selection.alias is not None
    counts.root_fields += depth == 1


def _overlaps(root: SelectionSetNode, fragments: Fragments, limits: Limits) -> int:
    """Counts the pairs level by level, as the merge of the fields at one place in the answer."""
    pairs = steps = 0
    waiting = [[root]]
    while waiting and pairs <= limits.overlaps and steps <= limits.selections:
        merged = _merged(waiting.pop(), fragments, limits)
        for below in merged.values():
            steps += len(below)
            pairs += len(below) * (len(below) - 1) // 2
            deeper = [selection_set for selection_set in below if selection_set is not None]
            if deeper:
                waiting.append(deeper)
    return pairs if steps <= limits.selections else max(pairs, limits.overlaps + 1)


def _merged(
    selection_sets: list[SelectionSetNode], fragments: Fragments, limits: Limits
) -> dict[str, list[SelectionSetNode | None]]:
    """What is selected below each response name, fragments in place; cycles end at a limit."""
    found: dict[str, list[SelectionSetNode | None]] = {}
    opened = 0
    while selection_sets and opened <= limits.selections:
        opened += 1
        for selection in selection_sets.pop().selections:
            below = _below(selection, fragments)
            if isinstance(selection, FieldNode):
                name = (selection.alias or selection.name).value
                found.setdefault(name, []).append(below)
            elif below is not None:
                selection_sets.append(below)
    return found


def _below(selection: SelectionNode, fragments: Fragments) -> SelectionSetNode | None:
    if isinstance(selection, FragmentSpreadNode):
        fragment = fragments.get(selection.name.value)
        return fragment.selection_set if fragment else None
    if isinstance(selection, FieldNode | InlineFragmentNode):
        return selection.selection_set
    return None


@dataclass(slots=True)
class Cost:
    """A sum: `fixed`, and parts that count as often as a variable says."""

    fixed: int = 0
    parts: list[tuple["int | str", "Cost"]] = field(default_factory=list)

    def add(self, times: int | str, part: "Cost") -> None:
        if isinstance(times, int) and not part.parts:
            self.fixed += times * part.fixed
        elif part.fixed or part.parts:
            self.parts.append((times, part))

    def total(self, variables: Mapping[str, Any], limits: Limits) -> int:
        return self.fixed + sum(
            (times if isinstance(times, int) else _page(variables.get(times), limits))
            * part.total(variables, limits)
            for times, part in self.parts
        )


class CostRules:
    """Computes the cost of valid operations of one schema."""

    def __init__(self, schema: GraphQLSchema, limits: Limits) -> None:
        self._schema = schema
        self._limits = limits

    def cost(self, operation: OperationDefinitionNode, fragments: Fragments) -> Cost:
        root = self._schema.get_root_type(operation.operation)
        if root is None:
            return Cost()
        return self._selected(root, operation.selection_set, fragments, self._limits.default_page)

    def _selected(
        self,
        parent: GraphQLCompositeType,
        selections: SelectionSetNode,
        fragments: Fragments,
        rows: int | str,
    ) -> Cost:
        total = Cost()
        for on_type, node in self._fields(parent, selections, fragments):
            self._add_field(total, on_type, node, fragments, rows)
        return total

    def _fields(
        self, parent: GraphQLCompositeType, selections: SelectionSetNode, fragments: Fragments
    ) -> Iterator[tuple[GraphQLCompositeType, FieldNode]]:
        """The fields of a selection, those of its fragments included."""
        waiting = [(parent, selections)]
        while waiting:
            on_type, selection_set = waiting.pop()
            for selection in selection_set.selections:
                if isinstance(selection, FieldNode):
                    yield on_type, selection
                elif (below := _below(selection, fragments)) is not None:
                    waiting.append((self._condition(selection, fragments, on_type), below))

    def _condition(
        self, selection: SelectionNode, fragments: Fragments, parent: GraphQLCompositeType
    ) -> GraphQLCompositeType:
        condition = None
        if isinstance(selection, FragmentSpreadNode):
            condition = fragments[selection.name.value].type_condition
        elif isinstance(selection, InlineFragmentNode):
            condition = selection.type_condition
        named = self._schema.get_type(condition.name.value) if condition else None
        return named if named is not None and is_composite_type(named) else parent

    def _add_field(
        self,
        total: Cost,
        parent: GraphQLCompositeType,
        node: FieldNode,
        fragments: Fragments,
        rows: int | str,
    ) -> None:
        name = node.name.value
        if name.startswith("__"):
            total.fixed += 0 if name == "__typename" else self._limits.introspection_cost
            return
        definition = self._schema.get_field(parent, name)
        total.fixed += self._limits.weights.get(f"{parent.name}.{name}", 1)
        if definition is None or node.selection_set is None:
            return
        paged = any(argument in definition.args for argument in PAGE_ARGUMENTS)
        usual = self._limits.rows.get(f"{parent.name}.{name}", rows)
        page = self._asked_page(node) if paged else usual
        below = get_named_type(definition.type)
        if not is_composite_type(below):
            return
        is_list = _is_list(definition)
        inner_rows = page if paged and not is_list else self._limits.default_page
        cost = self._selected(below, node.selection_set, fragments, inner_rows)
        total.add(page if is_list else 1, cost)

    def _asked_page(self, node: FieldNode) -> int | str:
        for argument in node.arguments or ():
            if argument.name.value in PAGE_ARGUMENTS:
                if isinstance(argument.value, VariableNode):
                    return argument.value.name.value
                if isinstance(argument.value, IntValueNode):
                    return _page(int(argument.value.value), self._limits)
        return self._limits.default_page


def _is_list(definition: GraphQLField) -> bool:
    return is_list_type(get_nullable_type(definition.type))


def _page(asked: object, limits: Limits) -> int:
    if asked is None:
        return limits.default_page
    return min(max(asked, 1), limits.max_page) if isinstance(asked, int) else limits.max_page

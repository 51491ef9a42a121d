"""Documents, prepared once: parsed, validated, measured, and kept for the next request.

A client may send a document's SHA-256 instead of its text (`extensions.persistedQuery`, as Apollo
and urql do), on every transport. In trusted-only mode nothing but the documents of a given
manifest is executed.
"""

import hashlib
from collections import OrderedDict
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from functools import cached_property
from typing import Any, Final

from graphql import (
    DirectiveNode,
    DocumentNode,
    FragmentDefinitionNode,
    GraphQLError,
    GraphQLObjectType,
    GraphQLSchema,
    OperationDefinitionNode,
    OperationType,
    Visitor,
    get_variable_values,
    parse,
    specified_rules,
    validate,
    visit,
)
from graphql.execution.collect_fields import CollectedFields, FragmentDetails, collect_fields
from graphql.execution.values import VariableValues
from graphql.validation import NoSchemaIntrospectionCustomRule

from domain.kernel.errors import ValidationFailed
from graph.attributes import AttributeKey, PlainAttribute
from graph.errors import RequestRefused, limit_error, refusal
from graph.limits import Cost, CostRules, Limits, fragments_of, structure_error

MAX_DOCUMENTS: Final = 1_000
MAX_TEXT: Final = 300_000
"""Characters of all documents kept; prepared, each takes about 300 bytes of memory."""
MAX_ERRORS: Final = 20
NO_VARIABLES: Final = VariableValues({}, {})
NOT_FOUND: Final = "PersistedQueryNotFound"


@dataclass(eq=False)
class PreparedOperation:
    """One valid operation, with what its executions have in common."""

    schema: GraphQLSchema
    node: OperationDefinitionNode
    definitions: dict[str, FragmentDefinitionNode]
    cost: Cost
    limits: Limits
    hide_suggestions: bool
    conditional: bool
    """@skip or @include occur: which fields are selected is another question each time."""
    sub_fields: dict[Any, Any] = field(default_factory=dict)
    """The executor's own memory of sub-selections; bounded by the document."""
    attributes: dict[AttributeKey, PlainAttribute | None] = field(default_factory=dict)
    """Which of its fields are plain attributes; bounded by the document too."""

    @property
    def kind(self) -> OperationType:
        return self.node.operation

    @cached_property
    def root_type(self) -> GraphQLObjectType:
        found = self.schema.get_root_type(self.node.operation)
        if found is None:
            raise RequestRefused([GraphQLError("The schema has no such operations", self.node)])
        return found

    @cached_property
    def fragments(self) -> dict[str, FragmentDetails]:
        return {name: FragmentDetails(node) for name, node in self.definitions.items()}

    @cached_property
    def collected(self) -> CollectedFields:
        """The root fields of an operation that is not `conditional`."""
        return self.collect(NO_VARIABLES)

    def collect(self, variables: VariableValues) -> CollectedFields:
        return collect_fields(
            self.schema, self.fragments, variables, self.root_type, self.node, self.hide_suggestions
        )

    def coerce(self, raw: dict[str, Any]) -> VariableValues:
        """Variables as the resolvers get them. RequestRefused for wrong ones or too high a cost."""
        variables: VariableValues | list[GraphQLError] = NO_VARIABLES
        if self.node.variable_definitions:
            variables = get_variable_values(
                self.schema,
                self.node.variable_definitions,
                raw,
                max_errors=MAX_ERRORS,
                hide_suggestions=self.hide_suggestions,
            )
        if isinstance(variables, list):
            raise RequestRefused([_with_reason(error, "INVALID_VARIABLES") for error in variables])
        cost = self.cost.total(variables.coerced, self.limits)
        if cost > self.limits.cost:
            raise RequestRefused([limit_error("cost", self.limits.cost, cost)])
        return variables


@dataclass(frozen=True, eq=False)
class PreparedDocument:
    text: str
    node: DocumentNode
    operations: Mapping[str, PreparedOperation]

    def operation(self, name: str | None) -> PreparedOperation:
        """The named operation, or the only one. RequestRefused if there is no such."""
        if name is not None and name in self.operations:
            return self.operations[name]
        if name is not None:
            message = f"Unknown operation named '{name}'."
        elif len(self.operations) == 1:
            return next(iter(self.operations.values()))
        else:
            message = "Must provide operation name if query contains multiple operations."
        raise RequestRefused([_with_reason(GraphQLError(message), "UNKNOWN_OPERATION")])


class DocumentStore:
    """Texts to prepared documents, the least recently used of them dropped first.

    `trusted` maps SHA-256 (hexadecimal) to text: given, nothing else is executed.
    """

    def __init__(
        self,
        schema: GraphQLSchema,
        limits: Limits | None = None,
        *,
        introspection: bool = True,
        persisted: bool = True,
        trusted: Mapping[str, str] | None = None,
        max_documents: int = MAX_DOCUMENTS,
        max_text: int = MAX_TEXT,
    ) -> None:
        self.schema = schema
        self.limits = limits or Limits()
        self.introspection = introspection
        self._persisted = persisted or trusted is not None
        self._trusted = trusted
        self._max_documents = max_documents
        self._max_text = max_text
        self._costs = CostRules(schema, self.limits)
        self._documents: OrderedDict[str, PreparedDocument] = OrderedDict()
        self._text_size = 0
        self._by_hash: dict[str, str] = {}
        self._rules = specified_rules
        if not introspection:
            self._rules = (*specified_rules, NoSchemaIntrospectionCustomRule)

    def __len__(self) -> int:
        return len(self._documents)

    def find(self, query: str | None, extensions: Mapping[str, Any]) -> PreparedDocument:
        """The document that a request names by text, by hash, or both (which registers it).

        RequestRefused if it is unknown, invalid, over a limit or not trusted.
        """
        wanted = self._wanted_hash(extensions)
        if self._trusted is not None:
            return self.prepare(self._trusted_text(query, wanted, self._trusted))
        if wanted is None:
            if query is None:
                raise refusal(ValidationFailed("query", "is required"))
            return self.prepare(query)
        if query is None:
            return self.prepare(self._known_text(wanted))
        if sha256(query) != wanted:
            raise refusal(ValidationFailed("sha256Hash", "does not match the query"))
        prepared = self.prepare(query)
        self._by_hash[wanted] = query
        return prepared

    def prepare(self, text: str) -> PreparedDocument:
        """From memory if it is known. RequestRefused if it is invalid or over a limit."""
        known = self._documents.get(text)
        if known is not None:
            self._documents.move_to_end(text)
            return known
        prepared = self._prepare(text)
        self._documents[text] = prepared
        self._text_size += len(text)
        while len(self._documents) > self._max_documents or self._text_size > self._max_text:
            self._forget()
        return prepared

    def _forget(self) -> None:
        text, _ = self._documents.popitem(last=False)
        self._text_size -= len(text)
        self._by_hash.pop(sha256(text), None)

    def _wanted_hash(self, extensions: Mapping[str, Any]) -> str | None:
        persisted = extensions.get("persistedQuery") if self._persisted else None
        if persisted is None:
            return None
        wanted = persisted.get("sha256Hash") if isinstance(persisted, dict) else None
        if not isinstance(wanted, str) or persisted.get("version", 1) != 1:
            raise refusal(ValidationFailed("persistedQuery", "needs version 1 and sha256Hash"))
        return wanted.lower()

    def _known_text(self, wanted: str) -> str:
        found = self._by_hash.get(wanted)
        if found is None:
            raise RequestRefused(
                [_with_reason(GraphQLError(NOT_FOUND), "PERSISTED_QUERY_NOT_FOUND")]
            )
        return found

    def _trusted_text(
        self, query: str | None, wanted: str | None, trusted: Mapping[str, str]
    ) -> str:
        text = trusted.get(wanted if query is None and wanted else sha256(query or ""))
        if text is None:
            error = GraphQLError("Only the documents of this server's manifest are executed")
            raise RequestRefused([_with_reason(error, "DOCUMENT_NOT_TRUSTED")])
        return text

    def _prepare(self, text: str) -> PreparedDocument:
        node = self._parse(text)
        over = structure_error(node, self.limits)
        if over is not None:
            raise RequestRefused([over])
        errors = validate(
            self.schema, node, self._rules, MAX_ERRORS, hide_suggestions=not self.introspection
        )
        if errors:
            raise RequestRefused([_with_reason(error, "INVALID_DOCUMENT") for error in errors])
        return PreparedDocument(text, node, self.operations_of(node))

    def operations_of(self, document: DocumentNode) -> dict[str, PreparedOperation]:
        """The operations of a valid document by name, "" for one without."""
        fragments = fragments_of(document)
        conditional = _is_conditional(document)
        return {
            (node.name.value if node.name else ""): PreparedOperation(
                self.schema,
                node,
                fragments,
                self._costs.cost(node, fragments),
                self.limits,
                not self.introspection,
                conditional,
            )
            for node in document.definitions
            if isinstance(node, OperationDefinitionNode)
        }

    def _parse(self, text: str) -> DocumentNode:
        try:
            return parse(
                text,
                max_lexical_tokens=self.limits.tokens,
                max_comments=self.limits.tokens,
                max_source_length=self.limits.characters,
            )
        except GraphQLError as error:
            raise RequestRefused([_with_reason(error, "SYNTAX_ERROR")]) from None


def sha256(text: str) -> str:
    """As clients compute it: of the UTF-8 text, in hexadecimal."""
    return hashlib.sha256(text.encode()).hexdigest()


def manifest(texts: Iterable[str]) -> dict[str, str]:
    """What `DocumentStore(trusted=...)` takes, from the documents as clients send them."""
    return {sha256(text): text for text in texts}


def _with_reason(error: GraphQLError, reason: str) -> GraphQLError:
    if not error.extensions:
        error.extensions = {"details": {"reason": reason}}
    return error


class _Conditions(Visitor):
    found = False

    def enter_directive(self, node: DirectiveNode, *_: object) -> None:
        self.found = self.found or node.name.value in ("skip", "include")


def _is_conditional(document: DocumentNode) -> bool:
    conditions = _Conditions()
    visit(document, conditions)
    return conditions.found

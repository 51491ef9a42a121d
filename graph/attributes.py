"""Fields that are plain attributes with a scalar or an enum in them."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from graphql import GraphQLField, is_leaf_type, is_non_null_type
from graphql.pyutils import Undefined
from strawberry.types.field import StrawberryField

AttributeKey = tuple[int, int]
"""The identities of a field's node and of its parent type."""


@dataclass(frozen=True, slots=True)
class PlainAttribute:
    name: str
    coerce: Callable[[Any], Any]
    required: bool

    def read(self, source: Any) -> Any:
        """As the schema shows it; Undefined where that is a fault, which is then not told here."""
        try:
            value = getattr(source, self.name)
            if value is None:
                return Undefined if self.required else None
            shown = self.coerce(value)
        except Exception:  # noqa: BLE001 - graphql-core reads it again and tells what is wrong
            return Undefined
        return Undefined if shown is None else shown


def plain_attribute(field: GraphQLField | None) -> PlainAttribute | None:
    """None for a field with a resolver, with arguments or with a selection of its own."""
    definition = field.extensions.get("strawberry-definition") if field is not None else None
    if field is None or not isinstance(definition, StrawberryField) or field.args:
        return None
    if not definition.is_basic_field or definition.default_resolver is not getattr:
        return None
    required = is_non_null_type(field.type)
    shown: Any = field.type.of_type if is_non_null_type(field.type) else field.type
    if not is_leaf_type(shown):
        return None
    return PlainAttribute(definition.python_name, shown.coerce_output_value, required)

"""Input types, taken apart once.

Strawberry works out the names and types of an input's fields anew for every value of it, which is
half of what a small mutation costs. `from_input` is its own place for types that know better.
"""

from collections.abc import Callable, Mapping
from dataclasses import MISSING
from typing import Any

import strawberry
from strawberry.scalars import is_scalar
from strawberry.types.arguments import InputContext
from strawberry.types.base import StrawberryObjectDefinition, StrawberryOptional
from strawberry.types.enum import StrawberryEnumDefinition
from strawberry.types.field import StrawberryField

Build = Callable[[type, Mapping[str, Any], InputContext], Any]


def prepare_input_types(schema: strawberry.Schema) -> None:
    """Gives every input type of the schema a way to be built that knows its fields."""
    for shown in schema._schema.type_map.values():
        definition = shown.extensions.get("strawberry-definition")
        if not isinstance(definition, StrawberryObjectDefinition) or not definition.is_input:
            continue
        if definition.from_input is None:
            definition.from_input = _build(definition, schema)


def _build(definition: StrawberryObjectDefinition, schema: strawberry.Schema) -> Build:
    fields = [_known(field, definition, schema) for field in definition.fields]
    # A nullable field without a default of its own is None where a client leaves it out.
    absent = {
        field.python_name: None
        for field in definition.fields
        if field.default_value is MISSING and field.default_factory is MISSING
    }

    def build(cls: type, value: Mapping[str, Any], context: InputContext) -> Any:
        given: dict[str, Any] = dict(absent)
        for name, python_name, type_ in fields:
            if name in value:
                one = value[name]
                given[python_name] = one if type_ is None else context.convert(one, type_, name)
        return cls(**given)

    return build


def _known(
    field: StrawberryField, definition: StrawberryObjectDefinition, schema: strawberry.Schema
) -> tuple[str, str, Any]:
    """Its name in the schema, in Python, and its type, None for a value that stays as it is."""
    type_: Any = field.resolve_type(type_definition=definition)
    name = schema.config.name_converter.from_field(field)
    return name, field.python_name, None if _stays(type_, schema) else type_


def _stays(type_: Any, schema: strawberry.Schema) -> bool:
    """graphql-core has made scalars and enums what they are in Python."""
    inner = type_.of_type if type(type_) is StrawberryOptional else type_
    if isinstance(inner, StrawberryEnumDefinition):
        return True
    return bool(is_scalar(inner, schema.schema_converter.scalar_registry))

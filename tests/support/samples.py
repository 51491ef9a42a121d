"""The least body that a JSON Schema allows: what it requires, and nothing else."""

import re
from typing import Any, Final

Schema = dict[str, Any]
TEXTS: Final = (
    "a",
    "1",
    "a.bin",
    "1.0.0",
    "2026-01-01",
    "a@b.example",
    "http://a.example",
    "0" * 32,
)
FORMATS: Final = {"date-time": "2026-01-01T10:00:00Z", "time-zone": "UTC"}


class NoSample(Exception):
    """A pattern that none of the texts fits: name one by hand."""


def sample(schema: Schema, document: Schema) -> Any:
    """`document` is the OpenAPI document that its references point into."""
    if "$ref" in schema:
        return sample(_resolved(schema["$ref"], document), document)
    for word in ("const", "default"):
        if word in schema:
            return schema[word]
    for word in ("enum", "examples"):
        if schema.get(word):
            return schema[word][0]
    for word in ("anyOf", "oneOf", "allOf"):
        if word in schema:
            return sample(schema[word][0], document)
    return _of_type(schema, document)


def _of_type(schema: Schema, document: Schema) -> Any:
    kind = schema.get("type")
    if kind == "object" or "properties" in schema:
        known = schema.get("properties", {})
        return {name: sample(known[name], document) for name in schema.get("required", ())}
    if kind == "array":
        return [sample(schema["items"], document) for _ in range(schema.get("minItems", 0))]
    if kind in ("integer", "number"):
        above = schema.get("exclusiveMinimum")
        return max(schema.get("minimum", 0) if above is None else above + 1, 1)
    if kind == "boolean":
        return True
    return _text(schema) if kind == "string" else None


def _text(schema: Schema) -> str:
    if schema.get("format") in FORMATS:
        return FORMATS[schema["format"]]
    least, most = schema.get("minLength", 0), schema.get("maxLength", 1_000)
    for text in TEXTS:
        if least <= len(text) <= most and re.search(schema.get("pattern", ""), text):
            return text
    raise NoSample(str(schema))


def _resolved(reference: str, document: Schema) -> Schema:
    found: Any = document
    for part in reference.removeprefix("#/").split("/"):
        found = found[part]
    return dict(found)

"""JSON documents: bounded, merged, compared. Pure."""

from collections.abc import Iterator, Mapping
from typing import Any, Final, NamedTuple

import orjson

from domain.kernel.errors import ValidationFailed

MAX_DEPTH: Final = 32
MAX_DETAILS: Final = 16 * 1024


class Difference(NamedTuple):
    """One place where two documents differ. `path` is a JSON Pointer (RFC 6901); a side that has
    nothing there is None, as JSON null is."""

    path: str
    before: Any
    after: Any


def json_text(value: Any, field: str, max_bytes: int) -> str:
    """Canonical text (sorted keys). Raises ValidationFailed for what is no JSON, not storable,
    nested too deeply or too long."""
    try:
        text = orjson.dumps(value, option=orjson.OPT_SORT_KEYS)
    except (TypeError, RecursionError):
        raise ValidationFailed(field, "not a JSON document") from None
    if len(text) > max_bytes:
        raise ValidationFailed(field, f"longer than {max_bytes} bytes as JSON")
    if rb"\u0000" in text:
        raise ValidationFailed(field, "contains the character NUL")
    if _depth(value) > MAX_DEPTH:
        raise ValidationFailed(field, f"nested deeper than {MAX_DEPTH}")
    return text.decode()


def details_text(value: Mapping[str, Any] | None) -> str | None:
    """What somebody told beside what they did, as it is kept."""
    return None if value is None else json_text(value, "details", MAX_DETAILS)


def merged(target: Any, patch: Any) -> Any:
    """JSON Merge Patch, RFC 7386: objects merge, null removes, all else replaces."""
    if not isinstance(patch, Mapping):
        return patch
    found = dict(target) if isinstance(target, Mapping) else {}
    for name, value in patch.items():
        if value is None:
            found.pop(name, None)
        else:
            found[name] = merged(found.get(name), value)
    return found


def differences(before: Any, after: Any) -> list[Difference]:
    """Object by object; lists are compared as a whole. In order of the path."""
    return sorted(_compare("", before, after), key=lambda found: found.path)


def changed_parts(before: Mapping[str, Any], after: Mapping[str, Any]) -> dict[str, Any]:
    """The members of an object that are otherwise than before, null for one that is gone."""
    names = sorted(before.keys() | after.keys())
    return {
        name: after.get(name)
        for name in names
        if (name in before) != (name in after)
        or before.get(name) != after.get(name)
        or type(before.get(name)) is not type(after.get(name))
    }


def _compare(path: str, before: Any, after: Any) -> Iterator[Difference]:
    if isinstance(before, Mapping) and isinstance(after, Mapping):
        for name in before.keys() | after.keys():
            step = name.replace("~", "~0").replace("/", "~1")
            yield from _compare(f"{path}/{step}", before.get(name), after.get(name))
    elif before != after or type(before) is not type(after):
        yield Difference(path, before, after)


def _depth(value: Any) -> int:
    deepest, level = 0, [value]
    while level and deepest <= MAX_DEPTH:
        deepest += 1
        children = [_children(item) for item in level]
        level = [child for some in children for child in some]
    return deepest


def _children(value: Any) -> list[Any]:
    if isinstance(value, Mapping):
        return list(value.values())
    return list(value) if isinstance(value, list | tuple) else []

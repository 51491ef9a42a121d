"""Lines with places for values, to write and to read by; pure."""

import re
from collections.abc import Mapping
from functools import lru_cache
from string import Formatter

# The last place of a line takes all that is left; those before it as little as they can.
_ANY, _LITTLE = "(.*)", "(.+?)"


class Template:
    """`fields` in the order in which they come. Raises ValueError for what is no template."""

    def __init__(self, text: str) -> None:
        self.text = text
        parts = list(_parts(text))
        self.fields = tuple(name for _, name in parts if name is not None)
        if len(set(self.fields)) != len(self.fields):
            raise ValueError("the same place twice")
        if any(not literal and at for at, (literal, name) in enumerate(parts) if name is not None):
            raise ValueError("two places with nothing between them")
        self._parts = parts
        self._pattern = re.compile("".join(self._expression(*part) for part in parts), re.DOTALL)

    def filled(self, values: Mapping[str, str]) -> str:
        """More values than there are places is fine."""
        return "".join(
            literal + (values[name] if name is not None else "") for literal, name in self._parts
        )

    def match(self, line: str) -> Mapping[str, str] | None:
        """What stands in the places, or None where the line is another one."""
        found = self._pattern.fullmatch(line)
        return None if found is None else dict(zip(self.fields, found.groups(), strict=True))

    def _expression(self, literal: str, name: str | None) -> str:
        if name is None:
            return re.escape(literal)
        return re.escape(literal) + (_ANY if name == self.fields[-1] else _LITTLE)


@lru_cache(maxsize=1024)
def template(text: str) -> Template:
    """Made once for all the lines of its form."""
    return Template(text)


def _parts(text: str) -> list[tuple[str, str | None]]:
    parts: list[tuple[str, str | None]] = []
    for literal, name, format_spec, conversion in Formatter().parse(text):
        if format_spec or conversion or (name is not None and not name.isidentifier()):
            raise ValueError("a place is a name in braces, as {value}")
        # What Formatter has of `{{` it gives apart: it belongs to what follows.
        if parts and parts[-1][1] is None:
            literal = parts.pop()[0] + literal
        parts.append((literal, name))
    return parts

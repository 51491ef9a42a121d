"""Query parameters that several routes share."""

from typing import Annotated

from fastapi import Query

from compat_rest.kernel.fields import PRINTABLE, Moment
from domain.kernel.ids import NOTHING, PLAIN, is_id

Limit = Annotated[int, Query(ge=1, le=10_000, description="Max results")]
Cursor = Annotated[
    str | None,
    Query(
        pattern=f"^{PLAIN.pattern}$",
        min_length=32,
        max_length=32,
        description="Of the page before: what comes after it",
    ),
]
Text = Annotated[str | None, Query(min_length=1, max_length=128, pattern=PRINTABLE)]
Since = Annotated[Moment | None, Query(description="ISO 8601 with a zone; from then on")]


def plain(key: str | None) -> str | None:
    """For a filter by an id: what is none is nothing's."""
    return key if key is None or is_id(key) else NOTHING

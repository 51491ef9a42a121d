"""Pure decisions of the journal."""

from typing import Any, Final

import orjson

from domain.journal.commands import EventFilter
from domain.journal.rows import EventRow
from domain.kernel.errors import ValidationFailed

MAX_DATA_BYTES: Final = 16_384


def data_text(data: dict[str, Any] | None) -> str | None:
    """As stored. Raises ValidationFailed for what JSON cannot hold, or too much of it."""
    if data is None:
        return None
    try:
        encoded = orjson.dumps(data)
    except TypeError as error:
        raise ValidationFailed("data", "not representable as JSON") from error
    if len(encoded) > MAX_DATA_BYTES:
        raise ValidationFailed("data", f"must not exceed {MAX_DATA_BYTES} bytes")
    return encoded.decode()


def fits(event: EventRow, wanted: EventFilter) -> bool:
    """The same decision as the repository's, for events that come live."""
    acknowledged = event.acknowledged_at_us is not None
    return (
        wanted.severity in (None, event.severity)
        and wanted.category in (None, event.category)
        and wanted.source in (None, event.source)
        and (wanted.from_us is None or wanted.from_us <= event.occurred_at_us)
        and (wanted.to_us is None or event.occurred_at_us < wanted.to_us)
        and wanted.acknowledged in (None, acknowledged)
    )

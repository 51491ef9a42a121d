"""What a label says: a template's parameters, filled with what is known of an item. Pure."""

import re
from collections.abc import Mapping
from typing import Final

from domain.line.plan import PrintOrder
from domain.production.rows import BatchRow, PalletRow

_NAME: Final = re.compile(r"\{([a-z]+)\}")
# Without any, a template gets all that is known.
NAMES: Final = ("code", "gtin", "serial", "batch", "sscc", "count", "line")


def filled(order: PrintOrder, known: Mapping[str, str]) -> dict[str, str]:
    """A name that is not known stands for nothing; one that is none stays as it is written."""

    def value(match: re.Match[str]) -> str:
        return known.get(match[1], "") if match[1] in NAMES else match[0]

    if not order.params:
        return {name: text for name, text in known.items() if text}
    return {name: _NAME.sub(value, text) for name, text in order.params.items()}


def of_batch(batch: BatchRow) -> dict[str, str]:
    return {
        "batch": batch.identifier,
        "count": str(batch.bottle_count),
        "line": batch.line_id or "",
        "code": batch.identifier,
    }


def of_pallet(pallet: PalletRow) -> dict[str, str]:
    return {
        "sscc": pallet.sscc,
        "count": str(pallet.batch_count),
        "line": pallet.line_id or "",
        "code": pallet.sscc,
    }

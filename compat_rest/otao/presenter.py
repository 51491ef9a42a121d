"""Software as the over-the-air orchestrator shows it. Its oddities:

- what was never given is left out: `specification`, `metadata`, `filename`, a filter's
  `rolloutDate`; `skipDispatchingToEndpoint` is shown where it is true;
- the name of that last field says the contrary of what it does: with it, software is offered only
  once its file is there;
- a draft, which is not known there, is `suspended`;
- a suspended version keeps its filters, and a general one too, though nobody asks them;
- times have milliseconds, or none, or microseconds where they were given so;
- versions come in their own order, the lowest first, and so do those of `upgradableFrom`.
"""

from typing import Any

import orjson

from domain.kernel.clock import iso
from domain.software.rows import SoftwareView, TargetingRow
from domain.software.rules.offers import strategy_of

Body = dict[str, Any]


def software(view: SoftwareView) -> Body:
    row = view.release
    body: Body = {"appName": row.application, "version": row.version}
    if row.specification is not None:
        body["specification"] = orjson.loads(row.specification)
    if row.release_metadata is not None:
        body["metadata"] = orjson.loads(row.release_metadata)
    body["upgradableFrom"] = [edge.from_version for edge in view.paths]
    if row.filename is not None:
        body["filename"] = row.filename
    body["rolloutStrategy"] = strategy_of(row.state, row.is_targeted).lower()
    body["filters"] = [_filter(one) for one in view.targeting]
    if row.needs_file:
        body["skipDispatchingToEndpoint"] = True
    return body


def _filter(row: TargetingRow) -> Body:
    body = {"filterId": row.filter_identifier}
    if row.active_from_us is not None:
        body["rolloutDate"] = moment(row.active_from_us)
    return body


def moment(value_us: int) -> str:
    text = iso(value_us)
    return text.removesuffix("000Z") + "Z" if "." in text and value_us % 1000 == 0 else text

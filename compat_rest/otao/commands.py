"""From the dialect's bodies to what software is asked."""

from typing import Any

from compat_rest.otao import schemas
from domain.fleet.documents import json_text
from domain.software.commands import MAX_DOCUMENT, CreateRelease, ReleaseChanges, TargetFilter
from domain.software.models import RolloutStrategy
from domain.software.rows import SoftwareName


def creation(name: SoftwareName, body: schemas.NewSoftware) -> CreateRelease:
    specification = _document(body, "specification")
    return CreateRelease.of(**name._asdict(), specification=specification, **_told(body))


def changes(body: schemas.Changes) -> ReleaseChanges:
    return ReleaseChanges.of(**_told(body))


def _told(body: schemas.Changes) -> dict[str, Any]:
    return {
        "release_metadata": _document(body, "metadata"),
        "upgradable_from": tuple(body.upgradable_from or ()),
        "strategy": RolloutStrategy(body.rollout_strategy.upper()),
        "filters": tuple(
            TargetFilter.of(filter=one.filter_id, active_from_us=one.rollout_date)
            for one in body.filters or ()
        ),
        "needs_file": bool(body.skip_dispatching_to_endpoint),
    }


def _document(body: schemas.Changes, field: str) -> str | None:
    """None where it was left out, which is not JSON's null."""
    if field not in body.model_fields_set:
        return None
    return json_text(getattr(body, field), field, MAX_DOCUMENT)

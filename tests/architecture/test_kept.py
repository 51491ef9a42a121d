"""Whatever grows has an end, or a reason to have none."""

from pathlib import Path
from typing import Final

import pytest
from sqlmodel import SQLModel

import migrations.tables  # noqa: F401 - imported for the tables it declares
from oktograph.retention import FOR_EVER, retentions
from oktograph.settings import Settings

ROOT: Final = Path(__file__).parents[2]
NAMES: Final = sorted(name for name in Settings.model_fields if "retention" in name)


def trimmed(**settings: float) -> set[str]:
    return {one.name for one in retentions(Settings(_env_file=None, **settings))}  # type: ignore[arg-type]


def test_every_table_is_trimmed_or_kept_for_a_reason() -> None:
    ours = {name for name in SQLModel.metadata.tables if not name.startswith(("probe_", "toy_"))}
    ends = trimmed(audit_retention_days=1)
    assert ours == ends | FOR_EVER.keys()
    assert not ends & FOR_EVER.keys()
    assert all(FOR_EVER.values())


def test_by_default_only_the_audit_of_those_is_kept_for_ever() -> None:
    assert trimmed(audit_retention_days=1) - trimmed() == {"audit_entry"}


def test_nought_keeps_it_for_ever() -> None:
    nought = dict.fromkeys((name for name in NAMES if name.endswith("_days")), 0.0)
    # A package holds a private key: whatever is set, it goes when its link has ended.
    assert trimmed(**nought) == {"event_log", "provisioning_package"}


@pytest.mark.parametrize("name", NAMES)
def test_each_setting_is_documented_where_people_look(name: str) -> None:
    variable = f"OKTOGRAPH_{name.upper()}"
    for page in ("README.md", "docs/retention.md"):
        assert f"`{variable}`" in (ROOT / page).read_text(), page

"""docs/permissions.md is what the tables say."""

from pathlib import Path

from domain.identity.mappings import INSIGHT, OTAO, VALTRONICS
from domain.kernel.permissions import DEVICE_PERMISSIONS, ROLE_PERMISSIONS, Permission, Role
from oktograph.contracts import drift_of_page, permissions_page, write_page
from oktograph.contracts.permissions import PAGE

DOCS = Path(__file__).parents[2] / "docs"
ROLES = (Role.ADMIN, Role.MANAGER, Role.OPERATOR, Role.AUDITOR)


def rows() -> dict[str, list[str]]:
    """Of the first table, by permission."""
    table = (DOCS / PAGE).read_text().split("\n## ")[0]
    lines = [line.strip("|").split("|") for line in table.splitlines() if line.startswith("| `")]
    return {cells[0].strip(" `"): [cell.strip() for cell in cells[1:]] for cells in lines}


def test_the_page_is_fresh() -> None:
    assert drift_of_page(DOCS) == []


def test_it_says_of_each_permission_who_has_it_and_what_others_call_it() -> None:
    found = rows()
    assert list(found) == [str(one) for one in Permission]
    for one in Permission:
        *marks, device, otao, valtronics, insight = found[str(one)]
        assert [bool(mark) for mark in marks] == [one in ROLE_PERMISSIONS[role] for role in ROLES]
        assert bool(device) == (one in DEVICE_PERMISSIONS)
        for told, vocabulary in ((otao, OTAO), (valtronics, VALTRONICS), (insight, INSIGHT)):
            names = {name.strip(" `") for name in told.split(",") if name}
            assert names == {name for name, held in vocabulary.items() if one in held}


def test_a_change_is_noticed_and_mended(tmp_path: Path) -> None:
    assert len(drift_of_page(tmp_path)) == 1
    assert write_page(tmp_path) == [tmp_path / PAGE]
    assert (tmp_path / PAGE).read_text() == permissions_page()
    assert write_page(tmp_path) == []
    assert drift_of_page(tmp_path) == []
    (tmp_path / PAGE).write_text(permissions_page().replace("●", "", 1))
    assert PAGE in drift_of_page(tmp_path)[0]

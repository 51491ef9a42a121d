"""Groups of tests that share what is dear: all of a group run in one process.

pytest-xdist 3.8 writes the group behind the test's id, where pytest 9.2 no longer looks: without
this the mark has no effect, and each process starts everything for itself.
"""

import pytest
from _pytest.nodeid import NodeId


def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    if not getattr(config.option, "loadgroup", False):
        return
    for item in items:
        mark = item.get_closest_marker("xdist_group")
        if mark is not None and "@" not in item.nodeid:
            item._id = NodeId.parse(f"{item.nodeid}@{mark.args[0]}")

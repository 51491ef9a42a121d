"""One edge for all tests of the contracts in a process: they ask, and leave nothing that another
would mind."""

from collections.abc import Iterator

import pytest

from tests.support.served_edge import ServedEdge, served_edge


@pytest.fixture(scope="session")
def edge(tmp_path_factory: pytest.TempPathFactory) -> Iterator[ServedEdge]:
    with served_edge(tmp_path_factory.mktemp("edge")) as running:
        yield running

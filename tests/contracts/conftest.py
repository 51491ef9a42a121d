"""One edge and one factory for all tests of the contracts in a process: they ask, and leave nothing
that another would mind."""

from collections.abc import Iterator
from typing import Any

import pytest

from tests.support.served_edge import ServedEdge, served_edge
from tests.support.served_factory import ServedFactory, served_factory
from tests.support.served_thread import ServedRuntime

Services = dict[str, ServedRuntime[Any]]


@pytest.fixture(scope="session")
def edge(tmp_path_factory: pytest.TempPathFactory) -> Iterator[ServedEdge]:
    with served_edge(tmp_path_factory.mktemp("edge")) as running:
        yield running


@pytest.fixture(scope="session")
def factory(tmp_path_factory: pytest.TempPathFactory) -> Iterator[ServedFactory]:
    folder = tmp_path_factory.mktemp("factory")
    # Nobody waits for it to end: what restarts it only notes that it was told to.
    with served_factory(folder, rate_limits=False, supervised=True) as running:
        yield running


@pytest.fixture(scope="session")
def services(edge: ServedEdge, factory: ServedFactory) -> Services:
    """By the name of each dialect that it offers."""
    names = ("insight", "okto-factory", "ontakt", "otao", "updates", "valtronics")
    return {"okto-edge": edge, **dict.fromkeys(names, factory)}

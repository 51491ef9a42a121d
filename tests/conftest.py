"""Fixtures that every test may use."""

import os

from tests.support.memory import storage

# What `tmp_path` is made in.
os.environ.setdefault("PYTEST_DEBUG_TEMPROOT", str(storage()))

pytest_plugins = [
    "tests.support.databases",
    "tests.support.edge",
    "tests.support.factories",
    "tests.support.factory",
    "tests.support.floor",
    "tests.support.groups",
    "tests.support.killable",
    "tests.support.redis",
    "tests.support.factory_pair",
]

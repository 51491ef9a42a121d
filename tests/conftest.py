"""Fixtures that every test may use."""

import gc
import os
import sys

from hypothesis import settings

from tests.support.memory import storage

# How long an example takes is the machine's affair; what CI wants besides stays as it is.
settings.register_profile("house", deadline=None)
settings.load_profile("house")

# Where Python is told not to keep what it compiled, each of the hundreds of processes that the
# tests start compiles the whole product again: a third of its start.
os.environ.pop("PYTHONDONTWRITEBYTECODE", None)
sys.dont_write_bytecode = False
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
    "tests.support.roles",
    "tests.support.factory_pair",
]

# What is imported stays for good: the collector need not walk it while it grows, nor ever again.
gc.disable()
# New objects, and rounds, between its walks: Python's own numbers cost a fifth of all the tests.
COLLECTOR_THRESHOLDS = (20_000, 20, 50)


def pytest_collection_finish() -> None:
    gc.collect()
    gc.freeze()
    gc.set_threshold(*COLLECTOR_THRESHOLDS)
    gc.enable()

"""Fixtures that every test may use."""

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

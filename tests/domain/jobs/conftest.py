"""A factory that limits nothing."""

import pytest

from tests.support.clients import Json


@pytest.fixture
def factory_settings() -> Json:
    return {"rate_limits": False}

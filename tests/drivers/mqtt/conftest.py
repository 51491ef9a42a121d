"""A factory with a broker of its own, and one without a face on a broker alone."""

from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import pytest

from drivers.mqtt.configuration import Admitted
from tests.support.mqtt import BUNDLED, Broker, running_broker

A = Admitted("gateway-a", "a" * 32)
B = Admitted("gateway-b", "b" * 32)


@pytest.fixture
def factory_settings() -> dict[str, Any]:
    return dict(BUNDLED)


@pytest.fixture
async def broker(tmp_path: Path) -> AsyncIterator[Broker]:
    """Knows two gateways."""
    async with running_broker(tmp_path, [A, B]) as started:
        yield started

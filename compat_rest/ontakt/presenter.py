"""What OnTakt's API shows. Its oddities:

- `version` is of the API that is spoken here, by which its clients tell what they may call; the
  version of this software is in `/health` and in a support file;
- times are UNIX seconds with decimals;
- an API key shows its own name as `username`;
- a refusal is `{error}`, the whole of it a text for people.
"""

import platform
import time
from collections.abc import Mapping, Sequence
from typing import Any, Final

from domain.identity.mappings import ontakt_level
from domain.kernel.actor import Actor
from graph.context import Build

APPLICATION: Final = "OnTakt"
VERSION: Final = "4.8.7"
"""Which the old description has."""


def timestamp(value_us: int) -> float:
    return value_us / 1_000_000


def user(actor: Actor) -> dict[str, Any]:
    return {"access_level": ontakt_level(actor), "username": actor.name}


def access(actor: Actor) -> dict[str, Any]:
    return {"application": APPLICATION, "version": VERSION, "user": user(actor)}


def support_file(
    correlation_id: str, build: Build | None, lines: Sequence[Mapping[str, Any]]
) -> dict[str, Any]:
    """What was running and what it did last; nothing of that for nobody."""
    found: dict[str, Any] = {
        "application": APPLICATION,
        "version": VERSION,
        "correlation_id": correlation_id,
        "time": time.time(),
    }
    if build is None:
        return found
    software = {
        "oktograph": build.version,
        "python": platform.python_version(),
        "system": platform.platform(),
        "started_at": timestamp(build.started_at_us),
    }
    return found | {"software": software, "log": list(lines)}

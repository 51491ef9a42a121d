"""What exports need from outside: a place for files, and how other faces lay them out."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field

from domain.jobs.exports.files import LAYOUTS, Layout
from domain.kernel.artifacts import ArtifactStore


def _nobody() -> None:
    """No worker runs in this process: another one will look for itself."""


@dataclass(frozen=True, slots=True)
class ExportSettings:
    """A worker that says nothing for `lease_s` is taken for dead. A task is given up after
    `most_attempts`, with `retry_s` after the first that broke off and twice as long after each
    further one. `link_s` is how long a link is good for, `file_s` how long a file is kept (0:
    for ever), `most_pending` about how many a customer may have under way: those who ask at once
    may get a few more."""

    lease_s: float = 30.0
    look_s: float = 1.0
    most_attempts: int = 3
    retry_s: float = 60.0
    most_pending: int = 20
    link_s: int = 300
    file_s: float = 24 * 3_600.0
    max_bytes: int = 64 * 1024**3


@dataclass(frozen=True, slots=True)
class ExportServices:
    """What the resolvers of exports are handed. `wake` tells this process's worker."""

    files: ArtifactStore
    layouts: Mapping[str, Layout] = field(default_factory=lambda: LAYOUTS)
    settings: ExportSettings = field(default_factory=ExportSettings)
    wake: Callable[[], None] = _nobody

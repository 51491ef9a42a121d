"""What resolvers of configuration files are handed."""

from dataclasses import dataclass

from domain.kernel.artifacts import ArtifactStore


@dataclass(frozen=True, slots=True)
class ConfigFileServices:
    """A file has at most `max_bytes`; a link to one is good for `link_s`."""

    artifacts: ArtifactStore
    max_bytes: int = 16 * 1024 * 1024
    link_s: float = 300.0

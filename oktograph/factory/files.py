"""Where a factory keeps what is too large for its database, and what looks after device
configuration files there."""

from contextlib import AsyncExitStack
from functools import partial
from typing import Final
from urllib.parse import urlsplit

from domain.fleet.config_files.ports import ConfigFileServices
from domain.fleet.config_files.uploads import sweep_config_files
from domain.kernel.artifacts import ArtifactStore
from drivers.artifacts.store import LocalArtifacts, s3_artifacts
from oktograph.background import background, every
from oktograph.core import Core
from oktograph.settings import Settings

SWEEP_INTERVAL_S: Final = 3_600.0


def artifact_store(settings: Settings) -> ArtifactStore:
    """The bucket's endpoint, region and keys come from the environment, as S3's own tools
    have them."""
    if not settings.artifact_url:
        return LocalArtifacts(settings.data_dir / "artifacts")
    parts = urlsplit(settings.artifact_url)
    return s3_artifacts(
        parts.netloc, prefix=parts.path.strip("/"), endpoint=settings.artifact_endpoint or None
    )


def config_file_services(
    core: Core, artifacts: ArtifactStore, stack: AsyncExitStack
) -> ConfigFileServices:
    """Started; `stack` takes it down again."""
    services = ConfigFileServices(artifacts, core.settings.max_config_file_bytes)
    sweep = partial(sweep_config_files, core.database, services)
    sweeping = partial(every, SWEEP_INTERVAL_S, sweep, "config-file-sweep")
    stack.push_async_callback(background(sweeping, "config-file-sweep"))
    return services

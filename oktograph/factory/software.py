"""Puts software together: where artifacts lie, whose signatures count, what drives rollouts."""

from contextlib import AsyncExitStack
from functools import partial
from typing import Final
from urllib.parse import urlsplit

from domain.fleet.directory import FleetDirectory
from domain.fleet.rules import FleetSettings
from domain.software.ports import SoftwareServices, SoftwareSettings
from domain.software.sweeper import RolloutSweeper
from domain.software.uploads import sweep_artifacts
from drivers.artifacts.signatures import TrustedKeys
from drivers.artifacts.store import LocalArtifacts, s3_artifacts
from oktograph.background import background, every
from oktograph.core import Core
from oktograph.settings import Settings

SWEEP_INTERVAL_S: Final = 3_600.0


def software_services(core: Core, fleet: FleetSettings, stack: AsyncExitStack) -> SoftwareServices:
    """Started; `stack` takes it down again."""
    settings = core.settings
    rules = SoftwareSettings(
        max_artifact_bytes=settings.max_artifact_bytes,
        require_signature=settings.require_signature,
    )
    services = SoftwareServices(
        artifacts=_artifacts(settings),
        devices=FleetDirectory(fleet, rules.default_application),
        signatures=TrustedKeys.from_text(settings.trusted_keys) if settings.trusted_keys else None,
        settings=rules,
    )
    sweeper = RolloutSweeper(core.transactions, services.devices)
    stack.push_async_callback(background(sweeper.run, "rollout-sweeper"))
    sweep = partial(sweep_artifacts, core.database, services)
    sweeping = partial(every, SWEEP_INTERVAL_S, sweep, "artifact-sweep")
    stack.push_async_callback(background(sweeping, "artifact-sweep"))
    return services


def _artifacts(settings: Settings) -> ArtifactStore:
    """The bucket's endpoint, region and keys come from the environment, as S3's own tools
    have them."""
    if not settings.artifact_url:
        return LocalArtifacts(settings.data_dir / "artifacts")
    parts = urlsplit(settings.artifact_url)
    return s3_artifacts(
        parts.netloc, prefix=parts.path.strip("/"), endpoint=settings.artifact_endpoint or None
    )

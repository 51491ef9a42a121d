"""Puts software together: whose signatures count, what drives rollouts."""

from contextlib import AsyncExitStack
from functools import partial
from typing import Final

from compat_rest.kernel.linked_files import FOLDER
from compat_rest.updates.app import DIALECT as UPDATES
from domain.fleet.directory import FleetDirectory
from domain.fleet.rules import FleetSettings
from domain.kernel.artifacts import ArtifactStore
from domain.software.ports import SoftwareServices, SoftwareSettings
from domain.software.sweeper import RolloutSweeper
from domain.software.uploads import sweep_artifacts
from drivers.artifacts.signatures import TrustedKeys
from oktograph.background import background, every
from oktograph.core import Core

SWEEP_INTERVAL_S: Final = 3_600.0


def software_services(
    core: Core, fleet: FleetSettings, artifacts: ArtifactStore, stack: AsyncExitStack
) -> SoftwareServices:
    """Started; `stack` takes it down again."""
    settings = core.settings
    rules = SoftwareSettings(
        max_artifact_bytes=settings.max_artifact_bytes,
        require_signature=settings.require_signature,
        link_lifetime_s=settings.file_link_lifetime_s,
        files_url=f"{settings.public_url}/{UPDATES.name}{FOLDER}",
    )
    services = SoftwareServices(
        artifacts=artifacts,
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

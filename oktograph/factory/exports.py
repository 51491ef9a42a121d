"""Puts exports together: where files lie, how each face lays them out, who writes them."""

from contextlib import AsyncExitStack
from functools import partial
from typing import Final

from compat_rest.insight.events_presenter import EVENT_LAYOUT, EVENTS
from domain.jobs.exports.files import LAYOUTS
from domain.jobs.exports.ports import ExportServices, ExportSettings
from domain.jobs.exports.storage import sweep_exports
from domain.jobs.exports.worker import ExportWorker
from domain.kernel.artifacts import ArtifactStore
from oktograph.background import background, every
from oktograph.core import Core

HOUR_S: Final = 3_600.0
SWEEP_INTERVAL_S: Final = HOUR_S
RETIRE_INTERVAL_S: Final = 60.0


def export_services(core: Core, files: ArtifactStore, stack: AsyncExitStack) -> ExportServices:
    """Started; `stack` takes it down again."""
    settings = ExportSettings(file_s=core.settings.export_file_retention_h * HOUR_S)
    services = ExportServices(files, {**LAYOUTS, EVENTS: EVENT_LAYOUT}, settings)
    worker = ExportWorker(core.transactions, services)
    stack.push_async_callback(background(worker.run, "exports"))
    retiring = partial(every, RETIRE_INTERVAL_S, worker.retire, "export-retirement")
    stack.push_async_callback(background(retiring, "export-retirement"))
    sweep = partial(sweep_exports, core.database, files)
    sweeping = partial(every, SWEEP_INTERVAL_S, sweep, "export-sweep")
    stack.push_async_callback(background(sweeping, "export-sweep"))
    return ExportServices(files, services.layouts, settings, worker.wake)

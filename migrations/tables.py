"""Every table of every context, for Alembic to compare with."""

import domain.catalog.models
import domain.fleet.config_files.models
import domain.fleet.models
import domain.gateways.models
import domain.identity.api_keys.models
import domain.identity.models
import domain.identity.oauth.models
import domain.jobs.exports.models
import domain.jobs.models
import domain.journal.models
import domain.kernel.eventlog
import domain.line.alarms.models
import domain.line.models
import domain.production.models
import domain.software.models
import domain.sync.models

__all__ = ["domain"]

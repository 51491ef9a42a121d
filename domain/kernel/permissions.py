"""One vocabulary for what an actor may do.

A name is `context:resource:action`, the list is alphabetical. Roles are sets of permissions;
what the dialects call the same is in `domain/identity/mappings.py`.
"""

from enum import StrEnum


class Permission(StrEnum):
    CATALOG_ITEM_WRITE = "catalog:item:write"
    FLEET_COMMAND_DISPATCH = "fleet:command:dispatch"
    FLEET_COMMAND_READ = "fleet:command:read"
    FLEET_CONFIGURATION_READ = "fleet:configuration:read"
    FLEET_CONFIGURATION_WRITE = "fleet:configuration:write"
    FLEET_CONNECTION_READ = "fleet:connection:read"
    FLEET_CONNECTION_WRITE = "fleet:connection:write"
    FLEET_DEVICE_READ = "fleet:device:read"
    FLEET_DEVICE_REPORT = "fleet:device:report"
    FLEET_DEVICE_WRITE = "fleet:device:write"
    FLEET_GROUP_READ = "fleet:group:read"
    FLEET_GROUP_WRITE = "fleet:group:write"
    FLEET_HOST_CONTROL = "fleet:host:control"
    FLEET_LOG_READ = "fleet:log:read"
    FLEET_SELF_USE = "fleet:self:use"
    FLEET_TELEMETRY_READ = "fleet:telemetry:read"
    FLEET_TOKEN_ISSUE = "fleet:token:issue"  # noqa: S105 - a permission's name
    IDENTITY_CLIENT_MANAGE = "identity:client:manage"
    IDENTITY_INSTALLATION_BACKUP = "identity:installation:backup"
    IDENTITY_INSTALLATION_RESTART = "identity:installation:restart"
    IDENTITY_KEY_MANAGE = "identity:key:manage"
    IDENTITY_USER_MANAGE = "identity:user:manage"
    IDENTITY_USER_READ = "identity:user:read"
    JOBS_ANALYSIS_READ = "jobs:analysis:read"
    JOBS_CONFIGURATION_READ = "jobs:configuration:read"
    JOBS_CONFIGURATION_WRITE = "jobs:configuration:write"
    JOURNAL_AUDIT_READ = "journal:audit:read"
    JOURNAL_EVENT_ACKNOWLEDGE = "journal:event:acknowledge"
    JOURNAL_EVENT_EXPORT = "journal:event:export"
    JOURNAL_EVENT_READ = "journal:event:read"
    JOURNAL_EVENT_RECORD = "journal:event:record"
    LINE_ALARM_ACKNOWLEDGE = "line:alarm:acknowledge"
    LINE_ALARM_READ = "line:alarm:read"
    LINE_ALARM_SERVICE = "line:alarm:service"
    LINE_ALARM_SHELVE = "line:alarm:shelve"
    LINE_CONFIGURATION_WRITE = "line:configuration:write"
    LINE_HARDWARE_OPERATE = "line:hardware:operate"
    LINE_HARDWARE_READ = "line:hardware:read"
    LINE_MOCK_USE = "line:mock:use"
    PRODUCTION_BATCH_READ = "production:batch:read"
    PRODUCTION_BATCH_WRITE = "production:batch:write"
    PRODUCTION_BOTTLE_READ = "production:bottle:read"
    PRODUCTION_BOTTLE_WRITE = "production:bottle:write"
    PRODUCTION_BUFFER_READ = "production:buffer:read"
    PRODUCTION_BUFFER_WRITE = "production:buffer:write"
    PRODUCTION_CONTENT_READ = "production:content:read"
    PRODUCTION_PALLET_READ = "production:pallet:read"
    PRODUCTION_PALLET_WRITE = "production:pallet:write"
    PRODUCTION_SCAN_EXPORT = "production:scan:export"
    PRODUCTION_SCAN_READ = "production:scan:read"
    PRODUCTION_SCAN_RECORD = "production:scan:record"
    SOFTWARE_ARTIFACT_READ = "software:artifact:read"
    SOFTWARE_RELEASE_DELETE = "software:release:delete"
    SOFTWARE_RELEASE_READ = "software:release:read"
    SOFTWARE_RELEASE_WRITE = "software:release:write"
    SOFTWARE_ROLLOUT_APPROVE = "software:rollout:approve"
    SOFTWARE_ROLLOUT_DEPLOY = "software:rollout:deploy"
    SOFTWARE_ROLLOUT_READ = "software:rollout:read"
    SOFTWARE_UPDATE_REPORT = "software:update:report"
    SYNC_CLOUD_READ = "sync:cloud:read"
    SYNC_CLOUD_RUN = "sync:cloud:run"
    SYNC_CONNECTION_READ = "sync:connection:read"
    SYNC_CONNECTION_WRITE = "sync:connection:write"
    SYNC_ITEM_DELIVER = "sync:item:deliver"
    SYNC_PROVISIONING_READ = "sync:provisioning:read"
    SYNC_PROVISIONING_WRITE = "sync:provisioning:write"


class Role(StrEnum):
    ADMIN = "ADMIN"
    AUDITOR = "AUDITOR"
    MANAGER = "MANAGER"
    OPERATOR = "OPERATOR"


_READS = frozenset(p for p in Permission if p.endswith(":read"))
_LINE_WORK = frozenset(
    {
        Permission.JOURNAL_EVENT_ACKNOWLEDGE,
        Permission.JOURNAL_EVENT_EXPORT,
        Permission.JOURNAL_EVENT_RECORD,
        Permission.LINE_ALARM_ACKNOWLEDGE,
        Permission.LINE_CONFIGURATION_WRITE,
        Permission.LINE_HARDWARE_OPERATE,
        Permission.LINE_MOCK_USE,
        Permission.PRODUCTION_BATCH_WRITE,
        Permission.PRODUCTION_BOTTLE_WRITE,
        Permission.PRODUCTION_BUFFER_WRITE,
        Permission.PRODUCTION_PALLET_WRITE,
        Permission.PRODUCTION_SCAN_EXPORT,
        Permission.PRODUCTION_SCAN_RECORD,
        Permission.SYNC_CLOUD_RUN,
        # The documented clients provision and switch the mode as the line's operator.
        Permission.SYNC_CONNECTION_WRITE,
        Permission.SYNC_ITEM_DELIVER,
        Permission.SYNC_PROVISIONING_WRITE,
    }
)
_FLEET_WORK = frozenset(
    {
        Permission.FLEET_COMMAND_DISPATCH,
        Permission.FLEET_CONFIGURATION_WRITE,
        Permission.FLEET_CONNECTION_WRITE,
        Permission.FLEET_DEVICE_REPORT,
        Permission.FLEET_DEVICE_WRITE,
        Permission.FLEET_GROUP_WRITE,
        Permission.FLEET_TOKEN_ISSUE,
    }
)
# Who did what, and who there is, is not the line's business.
_OVERSIGHT = frozenset({Permission.IDENTITY_USER_READ, Permission.JOURNAL_AUDIT_READ})
_DEPLOYS = frozenset({Permission.SOFTWARE_RELEASE_WRITE, Permission.SOFTWARE_ROLLOUT_DEPLOY})
# Who hears an alarm does not silence it (ISA-18.2: by whom is a matter of the design).
_SILENCES = frozenset({Permission.LINE_ALARM_SERVICE, Permission.LINE_ALARM_SHELVE})
_OPERATOR = (_READS | _LINE_WORK) - _OVERSIGHT

_KEEPS = frozenset({Permission.CATALOG_ITEM_WRITE, Permission.JOBS_CONFIGURATION_WRITE})
_MANAGES = _DEPLOYS | _FLEET_WORK | _SILENCES | _KEEPS

ROLE_PERMISSIONS: dict[Role, frozenset[Permission]] = {
    Role.AUDITOR: _READS | {Permission.JOURNAL_EVENT_EXPORT, Permission.PRODUCTION_SCAN_EXPORT},
    Role.OPERATOR: _OPERATOR,
    Role.MANAGER: _OPERATOR | _OVERSIGHT | _MANAGES,
    Role.ADMIN: frozenset(Permission),
}

# A device's token opens what is its own and nothing else; whose it is, the resolvers check.
DEVICE_PERMISSIONS: frozenset[Permission] = frozenset(
    {
        Permission.FLEET_SELF_USE,
        # One batch by its number, to check against: no list, and nothing else of production.
        Permission.PRODUCTION_CONTENT_READ,
        Permission.SOFTWARE_ARTIFACT_READ,
        Permission.SOFTWARE_UPDATE_REPORT,
        Permission.SYNC_ITEM_DELIVER,
    }
)

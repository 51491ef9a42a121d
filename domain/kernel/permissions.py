"""One vocabulary for what an actor may do.

A name is `context:resource:action`, the list is alphabetical. Roles are sets of permissions;
a dialect's scopes and levels are translated to these in that dialect's `auth.py`.
"""

from enum import StrEnum


class Permission(StrEnum):
    CATALOG_ITEM_WRITE = "catalog:item:write"
    IDENTITY_USER_MANAGE = "identity:user:manage"
    IDENTITY_USER_READ = "identity:user:read"
    JOURNAL_AUDIT_READ = "journal:audit:read"
    JOURNAL_EVENT_ACKNOWLEDGE = "journal:event:acknowledge"
    JOURNAL_EVENT_EXPORT = "journal:event:export"
    JOURNAL_EVENT_READ = "journal:event:read"
    JOURNAL_EVENT_RECORD = "journal:event:record"
    LINE_HARDWARE_READ = "line:hardware:read"
    LINE_MOCK_USE = "line:mock:use"
    PRODUCTION_BATCH_READ = "production:batch:read"
    PRODUCTION_BATCH_WRITE = "production:batch:write"
    PRODUCTION_BOTTLE_READ = "production:bottle:read"
    PRODUCTION_BOTTLE_WRITE = "production:bottle:write"
    PRODUCTION_PALLET_READ = "production:pallet:read"
    PRODUCTION_PALLET_WRITE = "production:pallet:write"
    PRODUCTION_SCAN_READ = "production:scan:read"
    PRODUCTION_SCAN_RECORD = "production:scan:record"
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
        Permission.LINE_MOCK_USE,
        Permission.PRODUCTION_BATCH_WRITE,
        Permission.PRODUCTION_BOTTLE_WRITE,
        Permission.PRODUCTION_PALLET_WRITE,
        Permission.PRODUCTION_SCAN_RECORD,
        Permission.SYNC_CLOUD_RUN,
        # The documented clients provision and switch the mode as the line's operator.
        Permission.SYNC_CONNECTION_WRITE,
        Permission.SYNC_ITEM_DELIVER,
        Permission.SYNC_PROVISIONING_WRITE,
    }
)
# Who did what, and who there is, is not the line's business.
_OVERSIGHT = frozenset({Permission.IDENTITY_USER_READ, Permission.JOURNAL_AUDIT_READ})
_OPERATOR = (_READS | _LINE_WORK) - _OVERSIGHT

ROLE_PERMISSIONS: dict[Role, frozenset[Permission]] = {
    Role.AUDITOR: _READS | {Permission.JOURNAL_EVENT_EXPORT},
    Role.OPERATOR: _OPERATOR,
    Role.MANAGER: _OPERATOR | _OVERSIGHT | {Permission.CATALOG_ITEM_WRITE},
    Role.ADMIN: frozenset(Permission),
}

"""Facts of fleet, past tense. The key is a device's id, except where said otherwise. No token is
ever in one; commands carry their arguments, which is what an audit wants to know."""

from typing import Final

STREAM: Final = "fleet"

# {device}: the row as it became.
DEVICE_REGISTERED: Final = "device.registered"
DEVICE_UPDATED: Final = "device.updated"
DEVICE_REMOVED: Final = "device.removed"
# {device, status, previous, reason, details}: details are JSON text or null.
DEVICE_STATUS_CHANGED: Final = "device.status_changed"
# {identifier}
TOKEN_ISSUED: Final = "device.token_issued"  # noqa: S105 - a fact's name
# {}
TOKENS_ENDED: Final = "device.tokens_ended"

# {session_id}, and {process_id} of who holds it.
SESSION_OPENED: Final = "session.opened"
SESSION_CLOSED: Final = "session.closed"

# The key is the group's id. {group}, and {group, device_ids} for its members.
GROUP_CREATED: Final = "group.created"
GROUP_UPDATED: Final = "group.updated"
GROUP_DELETED: Final = "group.deleted"
MEMBERS_ADDED: Final = "group.members_added"
MEMBERS_REMOVED: Final = "group.members_removed"

# {command, identifier}: the row as it became, and the device's identifier.
COMMAND_DISPATCHED: Final = "command.dispatched"
COMMAND_SENT: Final = "command.sent"
COMMAND_FINISHED: Final = "command.finished"

# {version, document, author, push, device, changed}: the device's row, and the parts of the
# document that are otherwise than before, null for one that is gone.
CONFIGURATION_SET: Final = "configuration.set"
# {version, error}
CONFIGURATION_REPORTED: Final = "configuration.reported"
# {count, last_id}
LOGS_RECORDED: Final = "logs.recorded"
# The key is empty. {default_mode, allow_device_override, cloud_sync_enabled}
SETTINGS_CHANGED: Final = "connection_settings.changed"

# On an edge. {version, changed}: the names of what took effect.
EDGE_CONFIGURED: Final = "edge.configured"
# On an edge. {reason}
EDGE_ENABLED: Final = "edge.enabled"
EDGE_DISABLED: Final = "edge.disabled"

ENDS_TOKENS: Final = frozenset({DEVICE_REMOVED, TOKENS_ENDED})
"""After one of these no token that the device already holds is good."""
COMMAND_FACTS: Final = frozenset({COMMAND_DISPATCHED, COMMAND_SENT, COMMAND_FINISHED})

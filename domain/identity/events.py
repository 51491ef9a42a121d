"""Facts of identity, past tense. No password, hash or token is ever in one.

The key is the id of the user, client, grant, token or API key that the fact is about, a backup's
name, or `UNKNOWN_USER`, `UNKNOWN_CLIENT`, `INSTALLATION`.
"""

from typing import Final

STREAM: Final = "identity"
UNKNOWN_USER: Final = "unknown"

USER_CREATED: Final = "user.created"
USER_DISABLED: Final = "user.disabled"
USER_ENABLED: Final = "user.enabled"
USER_UPDATED: Final = "user.updated"
USER_DELETED: Final = "user.deleted"
# {document, version}
CONSENT_GIVEN: Final = "consent.given"
PASSWORD_CHANGED: Final = "user.password_changed"  # noqa: S105 - a fact's name
ROLE_CHANGED: Final = "user.role_changed"
LOGGED_IN: Final = "user.logged_in"
LOGIN_FAILED: Final = "login.failed"

UNKNOWN_CLIENT: Final = "unknown"
# The client's row as it became, without its secret.
CLIENT_CREATED: Final = "client.created"
CLIENT_DISABLED: Final = "client.disabled"
CLIENT_ENABLED: Final = "client.enabled"
CLIENT_DELETED: Final = "client.deleted"
SECRET_ROTATED: Final = "client.secret_rotated"  # noqa: S105 - a fact's name
# {client_id, address, disabled}
CLIENT_REFUSED: Final = "client.refused"
# {client_id, username, scopes}
GRANT_MADE: Final = "grant.made"
# {client_row_id, user_id, reason}
GRANT_ENDED: Final = "grant.ended"
# {client_id}
TOKEN_REVOKED: Final = "token.revoked"  # noqa: S105 - a fact's name

# The key's row as it became, without the key.
API_KEY_CREATED: Final = "api_key.created"
API_KEY_REVOKED: Final = "api_key.revoked"
API_KEY_RESTORED: Final = "api_key.restored"

INSTALLATION: Final = "installation"
# {size_bytes}; the key is the backup's name.
BACKUP_MADE: Final = "backup.made"
BACKUP_REMOVED: Final = "backup.removed"
# {}; the key is INSTALLATION.
RESTART_ASKED: Final = "installation.restart_asked"

ENDS_TOKENS: Final = frozenset(
    {
        USER_DISABLED,
        USER_DELETED,
        PASSWORD_CHANGED,
        ROLE_CHANGED,
        CLIENT_DISABLED,
        CLIENT_DELETED,
        SECRET_ROTATED,
        GRANT_ENDED,
        TOKEN_REVOKED,
        API_KEY_REVOKED,
    }
)
"""After one of these no token or key that hangs on what it is about is good."""

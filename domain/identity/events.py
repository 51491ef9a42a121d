"""Facts of identity, past tense. No password, hash or token is ever in one.

The key is the id of the user that the fact is about, or `UNKNOWN_USER`.
"""

from typing import Final

STREAM: Final = "identity"
UNKNOWN_USER: Final = "unknown"

USER_CREATED: Final = "user.created"
USER_DISABLED: Final = "user.disabled"
USER_ENABLED: Final = "user.enabled"
PASSWORD_CHANGED: Final = "user.password_changed"  # noqa: S105 - a fact's name
ROLE_CHANGED: Final = "user.role_changed"
LOGGED_IN: Final = "user.logged_in"
LOGIN_FAILED: Final = "login.failed"

ENDS_TOKENS: Final = frozenset({USER_DISABLED, PASSWORD_CHANGED, ROLE_CHANGED})
"""After one of these no token that the user already holds is good."""

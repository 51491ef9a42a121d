"""Who may what with users, exports and programs, for `tests/graph/test_permissions.py`."""

from typing import Any

NOBODY = "0" * 32
EVERYBODY = frozenset({"operator", "manager", "admin", "auditor"})
OVERSIGHT = EVERYBODY - {"operator"}
ADMINS = frozenset({"admin"})
Case = tuple[str, dict[str, Any], frozenset[str]]
_ID = f'id: "{NOBODY}"'


def _read(text: str, who: frozenset[str] = ADMINS) -> Case:
    return (f"{{ {text} }}", {}, who)


def _write(text: str, who: frozenset[str] = ADMINS) -> Case:
    return (f"mutation {{ {text} }}", {}, who)


QUERIES: dict[str, Case] = {
    "customer": _read("customer { id name }", EVERYBODY),
    "exportTask": _read(f"exportTask({_ID}) {{ id }}", EVERYBODY),
    "exportTasks": _read("exportTasks { totalCount }", EVERYBODY),
    "roles": _read("roles { role }", OVERSIGHT),
    "user": _read(f"user({_ID}) {{ id }}", OVERSIGHT),
    "users": _read("users { totalCount }", OVERSIGHT),
    "oauthClients": _read("oauthClients { totalCount }"),
    "oauthClient": _read(f"oauthClient({_ID}) {{ id }}"),
    "oauthScopes": _read("oauthScopes { name }"),
    "apiKeys": _read("apiKeys { totalCount }"),
    "apiKey": _read(f"apiKey({_ID}) {{ id }}"),
    "backups": _read("backups { name }"),
}
MUTATIONS: dict[str, Case] = {
    "createUser": _write('createUser(input: {username: "a", role: AUDITOR}) { id }'),
    "deleteUser": _write(f"deleteUser({_ID}) {{ id }}"),
    "disableUser": _write(f"disableUser({_ID}) {{ id }}"),
    "enableUser": _write(f"enableUser({_ID}) {{ id }}"),
    "exportScans": _write("exportScans(input: {}) { id }", EVERYBODY),
    "giveConsents": _write(
        'giveConsents(input: {consents: [{document: PRIVACY_POLICY, version: "1"}]}) { version }',
        EVERYBODY,
    ),
    "setPassword": _write(f'setPassword(input: {{{_ID}, password: "long enough"}}) {{ id }}'),
    "updateUser": _write(f'updateUser(input: {{{_ID}, firstName: "a"}}) {{ id }}'),
    "createOAuthClient": _write(
        'createOAuthClient(input: {name: "a", scopes: ["endpoint:read"]}) { client { id } }'
    ),
    "rotateOAuthClientSecret": _write(f"rotateOAuthClientSecret({_ID}) {{ client {{ id }} }}"),
    "disableOAuthClient": _write(f"disableOAuthClient({_ID}) {{ id }}"),
    "enableOAuthClient": _write(f"enableOAuthClient({_ID}) {{ id }}"),
    "deleteOAuthClient": _write(f"deleteOAuthClient({_ID}) {{ id }}"),
    "createApiKey": _write('createApiKey(input: {name: "a", role: AUDITOR}) { apiKey { id } }'),
    "revokeApiKey": _write(f"revokeApiKey({_ID}) {{ id }}"),
    "createBackup": _write("createBackup { name url }"),
    "removeBackup": _write('removeBackup(name: "none")'),
    "restartInstallation": _write("restartInstallation"),
}

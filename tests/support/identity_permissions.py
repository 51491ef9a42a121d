"""Who may what with what programs get in by, for `tests/graph/test_permissions.py`."""

from typing import Any

NOBODY = "0" * 32
ADMINS = frozenset({"admin"})
Case = tuple[str, dict[str, Any], frozenset[str]]
_ID = f'id: "{NOBODY}"'


def _read(text: str) -> Case:
    return (f"{{ {text} }}", {}, ADMINS)


def _write(text: str) -> Case:
    return (f"mutation {{ {text} }}", {}, ADMINS)


QUERIES: dict[str, Case] = {
    "oauthClients": _read("oauthClients { totalCount }"),
    "oauthClient": _read(f"oauthClient({_ID}) {{ id }}"),
    "oauthScopes": _read("oauthScopes { name }"),
    "apiKeys": _read("apiKeys { totalCount }"),
    "apiKey": _read(f"apiKey({_ID}) {{ id }}"),
    "backups": _read("backups { name }"),
}
MUTATIONS: dict[str, Case] = {
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

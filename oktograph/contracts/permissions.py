"""docs/permissions.md: who may what, in every face's words, made from the tables themselves."""

from collections.abc import Sequence
from pathlib import Path
from typing import Final

from domain.identity.mappings import (
    INSIGHT,
    INSIGHT_ROLES,
    ONTAKT_LEVELS,
    OTAO,
    SCOPES,
    VALTRONICS,
    Names,
    names_held,
)
from domain.kernel.permissions import DEVICE_PERMISSIONS, ROLE_PERMISSIONS, Permission, Role
from oktograph.contracts.access import PUBLIC, Route, routes
from oktograph.contracts.descriptions import FACES
from oktograph.contracts.rendering import NOTICE

PAGE: Final = "permissions.md"
ROLES: Final = (Role.ADMIN, Role.MANAGER, Role.OPERATOR, Role.AUDITOR)
YES: Final = "●"
_HEAD: Final = f"""<!-- {NOTICE} -->
# Who may what

One vocabulary, `context:resource:action`, stands behind every face: each resolver begins by asking
for one of these, whether GraphQL, an old REST route or a device's socket has called it. Roles are
sets of them; the scopes, levels and role names of the other systems are translated by
[`domain/identity/mappings.py`](../domain/identity/mappings.py), from which this page is made.

Everything belongs to a customer: whatever callers may, they may with what is their own customer's.
A device may only what is its own: its record, its heartbeats, its commands, its deliveries.

"""
_GRANTS: Final = """
A name of another system stands for all permissions in whose rows it is: who is granted the name may
all of them, and a user is shown the names of which every permission is held.

"""
_CALLERS: Final = """
## Who calls
| caller | comes in by | may |
| --- | --- | --- |
| user | the token of a login | what the role may |
| user by way of a program | `/oauth2/token`, `password` | what role and scopes both allow |
| program (OAuth client) | `/oauth2/token`, `client_credentials` | what its scopes stand for |
| holder of an API key | `X-Auth-Token`, or as a Bearer token | what the key's role may |
| device | a device token | what is its own |

[Programs](programs.md) tells how they come by tokens and keys.

"""
_SCOPES: Final = """
## OAuth scopes
A client may be given the scopes of OTAO and the permissions of Valtronics by their names, and each
of our permissions by its own name, but not these: {withheld}. A program neither decides who may
what nor stops what it runs on, and is no device.
"""
_ROUTES: Final = """
## Routes of the old APIs
What each asks for, in our words or in the dialect's own, and so who may. `known` is whoever shows a
good token, `level` whoever has one of OnTakt's levels, `device` a device and nobody else. A backup
and a restart are for administrators of the customer whose installation it is.
"""


def permissions_page() -> str:
    parts = (_HEAD, _permissions(), _GRANTS, _levels(), _CALLERS, _by_role(), _withheld())
    return "".join((*parts, _routes()))


def write_page(folder: Path) -> list[Path]:
    """The page, where it changed."""
    path, wanted = folder / PAGE, permissions_page()
    if path.exists() and path.read_text("utf-8") == wanted:
        return []
    path.write_text(wanted, "utf-8")
    return [path]


def _permissions() -> str:
    head = ("permission", *ROLES, "device", "OTAO scope", "Valtronics", "Insight")
    rows = [
        (
            f"`{one}`",
            *(_mark(one in ROLE_PERMISSIONS[role]) for role in ROLES),
            _mark(one in DEVICE_PERMISSIONS),
            *(_names(vocabulary, one) for vocabulary in (OTAO, VALTRONICS, INSIGHT)),
        )
        for one in Permission
    ]
    return _table(head, rows)


def _levels() -> str:
    rows = []
    for role in ROLES:
        levels = [level for level, own in ONTAKT_LEVELS.items() if own is role]
        given = [name for name, own in INSIGHT_ROLES.items() if own is role]
        rows.append((role, _quoted(levels), _quoted(given), _insight_shown(role)))
    head = ("role", "OnTakt level", "given by Insight's", "shown by Insight as")
    return "## Roles and levels\n" + _table(head, rows)


def _by_role() -> str:
    """What the other systems' clients are told that a user may."""
    rows = []
    for role in ROLES:
        held = ROLE_PERMISSIONS[role]
        told = (_quoted(names_held(one, held)) for one in (OTAO, VALTRONICS, INSIGHT))
        rows.append((role, *told))
    return "## Names held\n" + _table(("role", "OTAO", "Valtronics", "Insight"), rows)


def _withheld() -> str:
    kept = [str(one) for one in Permission if str(one) not in SCOPES]
    return _SCOPES.format(withheld=_quoted(kept))


def _routes() -> str:
    by_dialect: dict[str, list[Route]] = {}
    there = {face.dialect.name for face in FACES}
    for route in (one for one in routes() if one.dialect in there):
        by_dialect.setdefault(route.dialect, []).append(route)
    tables = (f"\n### {name}\n{_of_dialect(own)}" for name, own in by_dialect.items())
    return _ROUTES + "".join(tables)


def _of_dialect(own: Sequence[Route]) -> str:
    rows = [
        (
            f"`{one.method}` `{one.path}`",
            "anybody" if one.who == PUBLIC else _quoted(one.who.split()),
            *(_mark(one.may(ROLE_PERMISSIONS[role])) for role in ROLES),
            _mark(one.own or one.who == PUBLIC),
        )
        for one in own
    ]
    return _table(("route", "needs", *ROLES, "device"), rows)


def _insight_shown(role: Role) -> str:
    manages = Permission.IDENTITY_USER_MANAGE in ROLE_PERMISSIONS[role]
    return "`ADMIN_ROLE`" if manages else "`USER_ROLE`"


def _names(vocabulary: Names, permission: Permission) -> str:
    return _quoted([name for name, held in vocabulary.items() if permission in held])


def _quoted(words: Sequence[str]) -> str:
    return ", ".join(f"`{word}`" for word in words)


def _mark(held: bool) -> str:
    return YES if held else ""


def _table(head: Sequence[str], rows: Sequence[Sequence[str]]) -> str:
    lines = [head, ["---"] * len(head), *rows]
    return "".join(f"| {' | '.join(line)} |\n" for line in lines)

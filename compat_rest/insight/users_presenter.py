"""Users as Insight shows them. Their oddities:

- there are two roles: whoever may manage users is ADMIN_ROLE, everybody else USER_ROLE. Given, they
  make an administrator and an operator; a manager or an auditor who is given USER_ROLE stays one;
- `permissions` are Insight's own names (docs/permissions.md);
- who has no names of their own has those that are shown of them, split at the first blank, and who
  has no email their username; `language` is English until somebody says otherwise;
- making a user answers 200, changing one 204; a user that is made has no password until an
  administrator sets one, by `setPassword`: nobody sends mail here;
- of the consents a user shows the newest of two documents; the list has all three.
"""

from collections.abc import Mapping, Sequence
from typing import Any, Final

from compat_rest.insight.ids import shown
from domain.identity.mappings import INSIGHT, INSIGHT_ROLES, insight_role, names_held
from domain.identity.models import ConsentDocument
from domain.identity.rows import ConsentRow, UserRow
from domain.identity.rules import actor_of
from domain.kernel.permissions import Permission, Role

Body = dict[str, Any]
LANGUAGE: Final = "English"
USERS: Final = "Users, the newest first"
ROLES: Final = "Roles that a user may be given"
_DESCRIPTIONS: Final = {
    "ADMIN_ROLE": "Manages users and everything else",
    "USER_ROLE": "Works with the line: reads everything but users, exports events",
}
_FIELDS: Final = {
    ConsentDocument.PRIVACY_POLICY: "privacy_policy",
    ConsentDocument.TERMS_AND_CONDITIONS_AGREEMENT: "terms_and_conditions_agreement",
    ConsentDocument.CONNECTED_POLICY: "connected_policy",
}


def user(row: UserRow, consents: Sequence[ConsentRow]) -> Body:
    actor = actor_of(row)
    first, _, last = row.display_name.partition(" ")
    newest = {one.document: one for one in consents}
    return {
        "id": shown(row.id),
        "first_name": row.first_name or first,
        "last_name": row.last_name or (last if row.first_name is None else ""),
        "email": row.email or row.username,
        "created": row.created_at_us // 1000,
        "last_updated": (row.updated_at_us or row.created_at_us) // 1000,
        "language": row.language or LANGUAGE,
        "roles": [insight_role(actor)],
        "permissions": list(names_held(INSIGHT, actor.permissions)),
        "consent_general_terms": _agreed(
            newest.get(ConsentDocument.TERMS_AND_CONDITIONS_AGREEMENT)
        ),
        "consent_privacy_policy": _agreed(newest.get(ConsentDocument.PRIVACY_POLICY)),
    }


def roles(known: Mapping[Role, frozenset[Permission]]) -> list[Body]:
    return [
        {
            "description": _DESCRIPTIONS[name],
            "name": name,
            "permissions": list(names_held(INSIGHT, known[role])),
        }
        for name, role in INSIGHT_ROLES.items()
    ]


def consents(rows: Sequence[ConsentRow], asked: ConsentDocument | None) -> Body:
    found: dict[str, Body] = {
        name: {"versions": []} for one, name in _FIELDS.items() if asked in (None, one)
    }
    for row in rows:
        version = {"version": row.version, "agreed_on": row.agreed_at_us // 1000}
        found[_FIELDS[ConsentDocument(row.document)]]["versions"].append(version)
    return found


def _agreed(row: ConsentRow | None) -> Body | None:
    if row is None:
        return None
    return {"version": row.version, "timestamp": row.agreed_at_us // 1000}

"""What every face calls our permissions: the one place where other vocabularies meet ours.

A name of another vocabulary stands for a set of permissions: whoever is granted the name may all
of them, and whoever may all of them is shown the name. docs/permissions.md is made from these
tables, and a test holds it to them.
"""

from collections.abc import Iterable, Mapping
from typing import Final

from domain.kernel.actor import Actor
from domain.kernel.permissions import ROLE_PERMISSIONS, Permission, Role

Names = Mapping[str, frozenset[Permission]]

OTAO: Final[Names] = {
    "application:software:read": frozenset(
        {Permission.SOFTWARE_ARTIFACT_READ, Permission.SOFTWARE_RELEASE_READ}
    ),
    # The rollout strategy is a part of the software there: to write one is to roll it out.
    "application:software:update": frozenset(
        {Permission.SOFTWARE_RELEASE_WRITE, Permission.SOFTWARE_ROLLOUT_DEPLOY}
    ),
    "application:software:delete": frozenset({Permission.SOFTWARE_RELEASE_DELETE}),
    "endpoint:read": frozenset({Permission.FLEET_DEVICE_READ}),
}
"""The OAuth 2.0 scopes that its clients ask for."""

VALTRONICS: Final[Names] = {
    "device:read": frozenset(
        {
            Permission.FLEET_CONFIGURATION_READ,
            Permission.FLEET_DEVICE_READ,
            Permission.FLEET_TELEMETRY_READ,
        }
    ),
    "device:write": frozenset(
        {
            Permission.FLEET_CONFIGURATION_WRITE,
            Permission.FLEET_DEVICE_REPORT,
            Permission.FLEET_DEVICE_WRITE,
        }
    ),
}
"""Both permissions that the old API names."""

INSIGHT: Final[Names] = {
    "device-configs.delete": frozenset({Permission.FLEET_CONFIGURATION_WRITE}),
    "device-configs.read": frozenset({Permission.FLEET_CONFIGURATION_READ}),
    "device-configs.update": frozenset({Permission.FLEET_CONFIGURATION_WRITE}),
    "devices.read": frozenset({Permission.FLEET_DEVICE_READ}),
    "devices.update": frozenset({Permission.FLEET_DEVICE_WRITE}),
    "event.export": frozenset({Permission.PRODUCTION_SCAN_EXPORT}),
    "event.read": frozenset({Permission.PRODUCTION_SCAN_READ}),
    "gateways.create": frozenset({Permission.FLEET_DEVICE_WRITE}),
    # A gateway's certificate opens what a device's token opens.
    "gateways.provision": frozenset({Permission.FLEET_TOKEN_ISSUE}),
    "gateways.read": frozenset({Permission.FLEET_DEVICE_READ}),
    "gateways.update": frozenset({Permission.FLEET_DEVICE_WRITE}),
    "job-analysis.read": frozenset({Permission.JOBS_ANALYSIS_READ}),
    "job-configs.create": frozenset({Permission.JOBS_CONFIGURATION_WRITE}),
    "job-configs.delete": frozenset({Permission.JOBS_CONFIGURATION_WRITE}),
    "job-configs.read": frozenset({Permission.JOBS_CONFIGURATION_READ}),
    "users.create": frozenset({Permission.IDENTITY_USER_MANAGE}),
    "users.delete": frozenset({Permission.IDENTITY_USER_MANAGE}),
    "users.read": frozenset({Permission.IDENTITY_USER_READ}),
    "users.update": frozenset({Permission.IDENTITY_USER_MANAGE}),
}
"""The old API shows `gateways.create` and `event.read` and no others: these are in its way."""

INSIGHT_ROLES: Final[Mapping[str, Role]] = {
    "ADMIN_ROLE": Role.ADMIN,
    "USER_ROLE": Role.OPERATOR,
}
"""What a user becomes who is given such a role. Shown is `insight_role`."""

ONTAKT_LEVELS: Final[Mapping[str, Role]] = {
    "admin": Role.ADMIN,
    "planner": Role.MANAGER,
    "shop": Role.OPERATOR,
    "auditor": Role.AUDITOR,
}
"""The four access levels, the highest first."""

# Machines do not decide who may do what, nor stop what they run on; what a device does with
# itself is the device's own.
_NOT_FOR_CLIENTS: Final = frozenset(
    {
        Permission.FLEET_SELF_USE,
        Permission.IDENTITY_CLIENT_MANAGE,
        Permission.IDENTITY_INSTALLATION_RESTART,
        Permission.IDENTITY_KEY_MANAGE,
        Permission.IDENTITY_USER_MANAGE,
        Permission.SOFTWARE_UPDATE_REPORT,
    }
)
SCOPES: Final[Names] = {
    **OTAO,
    **VALTRONICS,
    **{str(one): frozenset({one}) for one in Permission if one not in _NOT_FOR_CLIENTS},
}
"""Every scope that an OAuth client may be given: the dialects', and our permissions by name."""


def permissions_of(names: Iterable[str], vocabulary: Names = SCOPES) -> frozenset[Permission]:
    """Of all the names together; one that is unknown stands for nothing."""
    return frozenset().union(*(vocabulary.get(name, frozenset()) for name in names))


def names_held(vocabulary: Names, permissions: frozenset[Permission]) -> tuple[str, ...]:
    """The names of which every permission is held, in the order of the vocabulary."""
    return tuple(name for name, needed in vocabulary.items() if needed <= permissions)


def name_needed(vocabulary: Names, permission: Permission) -> str | None:
    """The first name that stands for this permission; None where the vocabulary has none."""
    return next((name for name, held in vocabulary.items() if permission in held), None)


def insight_role(actor: Actor) -> str:
    """There are but two: whoever may not manage users is a user."""
    may = Permission.IDENTITY_USER_MANAGE in actor.permissions
    return "ADMIN_ROLE" if may else "USER_ROLE"


def ontakt_level(actor: Actor) -> str | None:
    """The highest level whose every permission the actor has; None for one who has less than an
    auditor, such as a device or a client with some scopes."""
    levels = ONTAKT_LEVELS.items()
    held = (level for level, role in levels if ROLE_PERMISSIONS[role] <= actor.permissions)
    return next(held, None)

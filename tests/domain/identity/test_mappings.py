"""Other vocabularies, held against ours and against what the old descriptions name."""

import pytest

from domain.identity import mappings
from domain.identity.mappings import INSIGHT, OTAO, SCOPES, VALTRONICS, Names
from domain.kernel.actor import ANONYMOUS, Actor, ActorKind
from domain.kernel.permissions import DEVICE_PERMISSIONS, ROLE_PERMISSIONS, Permission, Role


def of(permissions: frozenset[Permission]) -> Actor:
    return Actor(ActorKind.CLIENT, 1, "a", "a", permissions)


def test_the_names_that_the_seeds_give_are_there() -> None:
    assert set(OTAO) == {
        "application:software:read",
        "application:software:update",
        "application:software:delete",
        "endpoint:read",
    }
    assert set(VALTRONICS) == {"device:read", "device:write"}
    assert {"gateways.create", "event.read"} <= set(INSIGHT)
    assert list(mappings.ONTAKT_LEVELS) == ["admin", "planner", "shop", "auditor"]
    assert set(mappings.INSIGHT_ROLES) == {"ADMIN_ROLE", "USER_ROLE"}


@pytest.mark.parametrize("vocabulary", [OTAO, VALTRONICS, INSIGHT, SCOPES])
def test_a_name_stands_for_something_and_no_name_is_two_things(vocabulary: Names) -> None:
    assert all(vocabulary.values())
    for name, held in vocabulary.items():
        assert SCOPES.get(name, held) == held
        assert not any(sign.isspace() for sign in name)


def test_levels_are_roles_one_for_one_and_the_first_fits_most() -> None:
    assert set(mappings.ONTAKT_LEVELS.values()) == set(Role)
    for level, role in mappings.ONTAKT_LEVELS.items():
        assert mappings.ontakt_level(of(ROLE_PERMISSIONS[role])) == level


def test_who_has_less_than_an_auditor_has_no_level() -> None:
    for permissions in (frozenset(), DEVICE_PERMISSIONS, mappings.permissions_of(OTAO)):
        assert mappings.ontakt_level(of(permissions)) is None
    assert mappings.ontakt_level(ANONYMOUS) is None


def test_only_who_manages_users_is_an_administrator_to_insight() -> None:
    shown = {role: mappings.insight_role(of(ROLE_PERMISSIONS[role])) for role in Role}
    assert shown.pop(Role.ADMIN) == "ADMIN_ROLE"
    assert set(shown.values()) == {"USER_ROLE"}


def test_names_are_held_whole_or_not_at_all() -> None:
    some = VALTRONICS["device:read"] - {Permission.FLEET_TELEMETRY_READ}
    assert mappings.names_held(VALTRONICS, some) == ()
    assert mappings.names_held(VALTRONICS, VALTRONICS["device:read"]) == ("device:read",)
    operator = ROLE_PERMISSIONS[Role.OPERATOR]
    assert mappings.names_held(VALTRONICS, operator) == ("device:read",)


def test_what_is_needed_has_a_name_or_none() -> None:
    assert mappings.name_needed(VALTRONICS, Permission.FLEET_DEVICE_WRITE) == "device:write"
    assert mappings.name_needed(VALTRONICS, Permission.SOFTWARE_RELEASE_READ) is None


def test_unknown_names_stand_for_nothing() -> None:
    assert mappings.permissions_of(["", "root", "application:software"]) == frozenset()


def test_no_scope_lets_a_program_decide_who_may_what() -> None:
    granted = mappings.permissions_of(SCOPES)
    assert not {one for one in granted if one.startswith("identity:") and "manage" in one}
    assert Permission.FLEET_SELF_USE not in granted
    assert Permission.SOFTWARE_UPDATE_REPORT not in granted


def test_a_scope_opens_what_it_says_and_no_more() -> None:
    read = mappings.permissions_of(["application:software:read"])
    assert {one.rpartition(":")[2] for one in read} == {"read"}
    assert Permission.SOFTWARE_RELEASE_READ not in mappings.permissions_of(["endpoint:read"])
    update = mappings.permissions_of(["application:software:update"])
    assert Permission.SOFTWARE_RELEASE_DELETE not in update

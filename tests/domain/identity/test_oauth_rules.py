"""Pure decisions about clients and what they are granted."""

import pytest

from domain.identity.mappings import OTAO, permissions_of
from domain.identity.oauth import rules
from domain.identity.oauth.models import GrantType
from domain.identity.oauth.rows import ClientRow, GrantRow, RefreshRow
from domain.identity.rows import UserRow
from domain.kernel.actor import ActorKind
from domain.kernel.permissions import ROLE_PERMISSIONS, Role

READ = "application:software:read"
DELETE = "application:software:delete"
CLIENT = ClientRow(
    "c", 1, "program", "Program", READ, "client_credentials", 0, 0, "x", 0, None, False, "p"
)
USER = UserRow("u", 1, "ann", "Ann", Role.OPERATOR, 0, None, 7, False, "p")
GRANT = GrantRow("g", 1, "c", "u", 7, f"{READ} {DELETE}", 0, 100, None, None)
TOKEN = RefreshRow("t", 0, 100, None, GRANT, USER)


@pytest.mark.parametrize(
    ("asked", "granted"),
    [
        (None, "a b"),
        ("", "a b"),
        ("  ", "a b"),
        ("b", "b"),
        ("b a b", "b a"),
        ("a c", None),
        ("A", None),
        ("a,b", None),
        ("a\x00", None),
    ],
)
def test_what_is_asked_for_must_be_allowed(asked: str | None, granted: str | None) -> None:
    assert rules.granted_scopes("a b", asked) == granted


def test_who_may_by_password_may_refresh() -> None:
    ways = ("client_credentials", "password", "refresh_token", "authorization_code", "")

    def may(*given: GrantType) -> list[str]:
        client = CLIENT._replace(grant_types=rules.stored_words(given))
        return [way for way in ways if rules.may_ask_by(client, way)]

    assert may(GrantType.CLIENT_CREDENTIALS) == ["client_credentials"]
    assert may(GrantType.PASSWORD) == ["password", "refresh_token"]
    assert may(*GrantType) == ["client_credentials", "password", "refresh_token"]


def test_a_scope_that_the_user_may_only_in_part_is_left_out() -> None:
    scopes = rules.stored_words(OTAO)
    assert rules.scopes_of_user(scopes, USER) == f"{READ} endpoint:read"
    assert rules.scopes_of_user(scopes, USER._replace(role=Role.ADMIN)) == scopes
    assert rules.scopes_of_user("of an older version", USER) == ""


def test_a_token_opens_neither_more_than_granted_nor_more_than_the_role() -> None:
    """Whatever it says, and whatever was granted when the tables were others."""
    everything = rules.stored_words([*OTAO, "production:scan:record", "nonsense"])
    actor = rules.actor_of_grant(GRANT, USER, everything)
    assert actor.permissions == permissions_of([READ])
    assert actor.permissions < ROLE_PERMISSIONS[Role.OPERATOR]
    assert (actor.kind, actor.id, actor.role) == (ActorKind.USER, "u", None)
    program = rules.actor_of_client(CLIENT, everything)
    assert program.permissions == permissions_of([READ])
    assert (program.kind, program.id, program.name) == (ActorKind.CLIENT, "c", "program")


def test_what_a_refresh_token_is_good_for() -> None:
    assert rules.is_good(TOKEN, 99)
    ended = GRANT._replace(ended_at_us=5)
    for other, now_us in (
        (TOKEN, 100),
        (TOKEN._replace(used_at_us=1), 50),
        (TOKEN._replace(grant=ended), 50),
        (TOKEN._replace(user=USER._replace(disabled_at_us=1)), 50),
        (TOKEN._replace(user=USER._replace(token_generation=8)), 50),
    ):
        assert not rules.is_good(other, now_us)


def test_secrets_are_new_each_time() -> None:
    made = {rules.new_secret() for _ in range(100)}
    assert len(made) == 100
    assert {len(secret) for secret in made} == {43}

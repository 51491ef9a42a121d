"""Pure decisions about users."""

import pytest

from domain.identity import rules
from domain.identity.commands import CreateUser, Login
from domain.kernel.errors import Conflict, ValidationFailed
from domain.kernel.permissions import Role


@pytest.mark.parametrize("password", ["operator123", "correct horse", "пароль-длинный"])
def test_good_passwords(password: str) -> None:
    rules.check_new_password("ann", password)


@pytest.mark.parametrize(
    ("username", "password"), [("ann", "short"), ("ann", "1234567"), ("operator", "OPERATOR")]
)
def test_poor_passwords(username: str, password: str) -> None:
    with pytest.raises(ValidationFailed) as caught:
        rules.check_new_password(username, password)
    assert caught.value.details["field"] == "password"


def test_the_last_administrator_stays() -> None:
    rules.keep_an_admin(["a", "b"], "a")
    rules.keep_an_admin(["a"], "somebody else")
    with pytest.raises(Conflict):
        rules.keep_an_admin(["a"], "a")


def test_demo_accounts_are_the_documented_ones() -> None:
    assert {(a.username, a.password, a.role) for a in rules.DEMO_ACCOUNTS} == {
        ("operator", "operator123", Role.OPERATOR),
        ("manager", "manager123", Role.MANAGER),
        ("admin", "admin123", Role.ADMIN),
        ("auditor", "auditor123", Role.AUDITOR),
    }


def test_generated_passwords_have_100_bits_and_no_look_alikes() -> None:
    assert len(set(rules.GENERATED_SIGNS)) == 32
    assert rules.GENERATED_LENGTH * 5 >= 100
    assert not set(rules.GENERATED_SIGNS) & set("0oO1lI")


BAD_TEXT = ["", "x" * 2000, "a\x00b", "\ud800", 7, None, ["ann"]]


@pytest.mark.parametrize("value", BAD_TEXT, ids=repr)
def test_a_login_that_no_database_could_take_is_invalid(value: object) -> None:
    for field in ("username", "password"):
        if field == "password" and value == "a\x00b":
            continue  # a password is hashed, never stored: any sign will do
        with pytest.raises(ValidationFailed) as caught:
            Login.of(**{"username": "ann", "password": "secret"} | {field: value})
        assert caught.value.details["field"] == field


@pytest.mark.parametrize("username", [*BAD_TEXT, "two words", "tab\there", "new\nline"], ids=repr)
def test_usernames_that_cannot_be(username: object) -> None:
    with pytest.raises(ValidationFailed):
        CreateUser.of(username=username, password="long enough", role=Role.OPERATOR)


def test_a_password_shows_in_no_representation_and_no_error() -> None:
    command = Login.of(username="ann", password="hush-hush")
    assert "hush-hush" not in repr(command)
    assert "hush-hush" not in str(command)
    with pytest.raises(ValidationFailed) as caught:
        Login.of(username="", password="hush-hush", extra="x")
    assert "hush-hush" not in f"{caught.value} {caught.value.details}"

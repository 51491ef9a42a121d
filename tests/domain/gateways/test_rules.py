"""Connectivity, thing names, and whose token it is."""

from dataclasses import dataclass

import pytest

from domain.gateways import rules
from domain.gateways.models import Connectivity, GatewayType
from domain.gateways.rows import GatewayRow
from domain.kernel.errors import Forbidden, Unauthorized
from domain.kernel.ids import new_id

NOW_US = 1_700_000_000_000_000
HOUR_US = 3_600_000_000
UUID = "919ebc9d-9788-4f08-93db-e238c5eaa69a"


@dataclass(frozen=True)
class Story:
    """What happened to a gateway, hours ago; None for what did not."""

    prepared_h: float | None
    message_h: float | None
    scan_h: float | None
    expected: Connectivity


def gateway(**known: int | str | None) -> GatewayRow:
    empty = GatewayRow(
        new_id(),
        1,
        "Gateway1",
        "Gateway1",
        None,
        "Picking",
        "Station3",
        GatewayType.STATIONARY,
        *(None, None, None),
        1,
        Connectivity.NOT_REGISTERED,
        *(None, None, None, None, None, None, None, None),
        NOW_US,
        NOW_US,
    )
    return empty._replace(**known)  # type: ignore[arg-type]  # names of its fields


def ago(hours: float | None) -> int | None:
    return None if hours is None else NOW_US - round(hours * HOUR_US)


@pytest.mark.parametrize(
    "story",
    [
        Story(None, None, None, Connectivity.NOT_REGISTERED),
        Story(5, None, None, Connectivity.REGISTERING),
        Story(5, 0, None, Connectivity.ACTIVE),
        Story(5, 2, None, Connectivity.ACTIVE),
        Story(5, 2, 2, Connectivity.ACTIVE),
        Story(5, 2.001, 4, Connectivity.INACTIVE),
        Story(5, 2.001, None, Connectivity.REGISTERING),
        Story(None, 0, 0, Connectivity.NOT_REGISTERED),
    ],
)
def test_connectivity_follows_from_what_is_stored(story: Story) -> None:
    row = gateway(
        prepared_at_us=ago(story.prepared_h),
        last_message_at_us=ago(story.message_h),
        last_scan_at_us=ago(story.scan_h),
    )
    assert rules.connectivity_of(row, NOW_US) is story.expected


@pytest.mark.parametrize(
    ("name", "expected"),
    [
        ("Gateway1", "Gateway1"),
        ("Hall 3, gate #2", "Hall-3-gate-2"),
        ("a/b+c", "a-b-c"),
        ("..", "gateway"),
        ("дверь", "gateway"),
        ("x" * 100, "x" * 64),
        (UUID, f"gw-{UUID}"),
        (UUID.upper(), f"gw-{UUID.upper()}"),
        (UUID.replace("-", ""), f"gw-{UUID.replace('-', '')}"),
        ("oktograph-broker", "gw-oktograph-broker"),
        ("OKTOGRAPH", "gw-OKTOGRAPH"),
    ],
)
def test_a_thing_name_is_a_word_of_its_own(name: str, expected: str) -> None:
    assert rules.thing_name_of(name) == expected
    other = rules.another_thing_name(name)
    assert other != rules.another_thing_name(name)
    for found in (expected, other):
        assert 0 < len(found) <= rules.MAX_THING_NAME
        assert rules.plain_id(found) is None
        assert not rules.is_own(found)


@pytest.mark.parametrize("key", [UUID, UUID.upper(), UUID.replace("-", "")])
def test_a_uuid_in_any_spelling(key: str) -> None:
    assert rules.plain_id(key) == "919ebc9d97884f0893dbe238c5eaa69a"


@pytest.mark.parametrize(
    "key", ["", "Gateway1", UUID[:-1], f"{{{UUID}}}", UUID.replace("-", "", 1)]
)
def test_anything_else_is_no_uuid(key: str) -> None:
    assert rules.plain_id(key) is None


def test_whose_token_it_is() -> None:
    row = gateway(token_expires_at_us=NOW_US + 1)
    assert rules.provisionable(row, NOW_US) == row
    for nobodys in (None, row._replace(token_expires_at_us=NOW_US), gateway()):
        with pytest.raises(Unauthorized):
            rules.provisionable(nobodys, NOW_US)
    with pytest.raises(Forbidden):
        rules.provisionable(row._replace(provisioned_at_us=1, token_expires_at_us=1), NOW_US)


def test_tokens_fit_into_a_barcode_and_never_repeat() -> None:
    made = {rules.new_token() for _ in range(100)}
    assert len(made) == 100
    assert {len(token) for token in made} == {43}
    assert all(rules.can_be_token(token) for token in made)
    assert not any(map(rules.can_be_token, ("", "x" * 257, "жетон")))

"""Pure decisions: presence, policies, edges of states, documents."""

from itertools import product

import pytest
from hypothesis import given
from hypothesis import strategies as st

from domain.fleet import rules
from domain.fleet.arguments import arguments_of, arguments_text
from domain.fleet.documents import differences, json_text, merged
from domain.fleet.models import CommandState, CommandType, DeviceStatus
from domain.kernel.errors import Conflict, ValidationFailed

S = DeviceStatus
TOLD = (None, S.WARNING, S.ERROR, S.MAINTENANCE)
REPORTED = (S.ONLINE, S.WARNING, S.ERROR, S.MAINTENANCE)
JSON = st.recursive(
    st.none() | st.booleans() | st.integers(-5, 5) | st.text(max_size=3),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=2), inner),
    max_leaves=8,
)
OBJECTS = st.dictionaries(st.text(max_size=2), JSON, max_size=4)


@pytest.mark.parametrize(("told", "reported"), list(product(TOLD, REPORTED)))
def test_silence_is_offline_but_for_maintenance(told: S | None, reported: S) -> None:
    silent = rules.status_of(told, reported, alive=False)
    assert silent is (S.MAINTENANCE if told is S.MAINTENANCE else S.OFFLINE)


@pytest.mark.parametrize(
    ("told", "reported", "status"),
    [
        (None, S.ONLINE, S.ONLINE),
        (None, S.WARNING, S.WARNING),
        (S.WARNING, S.ONLINE, S.WARNING),
        (S.WARNING, S.ERROR, S.ERROR),
        (S.ERROR, S.WARNING, S.ERROR),
        (S.MAINTENANCE, S.ERROR, S.MAINTENANCE),
        (None, S.MAINTENANCE, S.MAINTENANCE),
    ],
)
def test_the_worse_word_counts(told: S | None, reported: S, status: S) -> None:
    assert rules.status_of(told, reported, alive=True) is status


@pytest.mark.parametrize(
    ("word", "status"),
    [
        ("healthy", S.ONLINE),
        (None, S.ONLINE),
        ("anything", S.ONLINE),
        (" Degraded", S.WARNING),
        ("ERROR", S.ERROR),
    ],
)
def test_words_of_a_heartbeat(word: str | None, status: S) -> None:
    assert rules.heartbeat_status(word) is status


def test_which_commands_wait_and_which_are_for_administrators() -> None:
    waits = {kind for kind, policy in rules.POLICIES.items() if policy.waits}
    assert waits == {"force_sync", "push_config", "update_firmware", "pull_logs"}
    host = {kind for kind, policy in rules.POLICIES.items() if policy.host_control}
    assert host == {"exec_shell", "reboot_os", "shutdown_os", "restart_service"}
    assert set(rules.POLICIES) == set(CommandType)
    for kind in CommandType:
        rules.require_reachable(kind, online=True)
        if kind not in waits:
            with pytest.raises(Conflict):
                rules.require_reachable(kind, online=False)


def test_states_lead_only_forward() -> None:
    assert rules.may_become(CommandState.SENT) == {CommandState.QUEUED}
    assert rules.may_become(CommandState.SUCCEEDED) == {"QUEUED", "SENT", "TIMEOUT"}
    assert rules.may_become(CommandState.CANCELLED) == {CommandState.QUEUED}
    assert rules.may_become(CommandState.QUEUED) == frozenset()
    assert set(rules.COMMAND_EDGES) == set(CommandState)


@pytest.mark.parametrize(
    ("kind", "given_arguments"),
    [
        (CommandType.FORCE_SYNC, {"x": 1}),
        (CommandType.EXEC_SHELL, {}),
        (CommandType.EXEC_SHELL, {"argv": []}),
        (CommandType.EXEC_SHELL, {"argv": "rm -rf /"}),
        (CommandType.EXEC_SHELL, {"argv": ["a\x00"]}),
        (CommandType.EXEC_SHELL, {"argv": ["a"], "timeoutS": 1e9}),
        (CommandType.REBOOT_OS, {"delayS": -1}),
        (CommandType.UPDATE_FIRMWARE, {"releaseId": "1", "sha256": "x"}),
    ],
)
def test_arguments_are_checked(kind: CommandType, given_arguments: dict[str, object]) -> None:
    with pytest.raises(ValidationFailed) as caught:
        arguments_of(kind, given_arguments)
    assert str(caught.value.details["field"]).startswith("arguments")


def test_arguments_are_kept_as_they_were_given() -> None:
    found = arguments_of(CommandType.EXEC_SHELL, {"argv": ["ls", "-l"]})
    assert arguments_text(found) == '{"argv":["ls","-l"]}'


@given(OBJECTS, OBJECTS)
def test_merging_is_the_standards(target: dict[str, object], patch: dict[str, object]) -> None:
    found = merged(target, patch)
    for name, value in patch.items():
        if value is None:
            assert name not in found
        elif not isinstance(value, dict):
            assert found[name] == value
    assert {name: found[name] for name in target if name not in patch} == {
        name: value for name, value in target.items() if name not in patch
    }
    assert merged(found, patch) == found


@given(OBJECTS, OBJECTS)
def test_no_difference_means_the_same(before: dict[str, object], after: dict[str, object]) -> None:
    assert differences(before, before) == []
    nulls_apart = bool(differences(before, after))
    assert nulls_apart or _without_nulls(before) == _without_nulls(after)


def _without_nulls(value: object) -> object:
    if isinstance(value, dict):
        return {k: _without_nulls(v) for k, v in value.items() if v is not None}
    return value


def test_a_difference_says_where() -> None:
    found = differences({"a/b": {"c": 1}, "d": [1], "e": 1}, {"a/b": {"c": 2}, "d": [1], "f": 1})
    assert found == [("/a~1b/c", 1, 2), ("/e", 1, None), ("/f", None, 1)]


def test_documents_are_bounded() -> None:
    deep: object = 1
    for _ in range(40):
        deep = {"a": deep}
    for wrong in (deep, {"a": "\x00"}, {"a": "x" * 200}, {1: 2}, {"a": {1, 2}}):
        with pytest.raises(ValidationFailed):
            json_text(wrong, "document", 100)

"""Alarms as the graph, the old socket and the journal show them, and who may do what about them."""

from base64 import b64decode
from typing import Any

import pytest

from domain.identity import operations as identity
from domain.identity.commands import CreateUser
from domain.kernel.actor import system_actor
from domain.kernel.permissions import Role
from domain.line.alarms.models import AlarmKind
from domain.line.alarms.rows import AlarmRow
from domain.line.alarms.rules import MAX_SHELVE_S
from graph.pagination import global_id
from tests.support.alarms import SOURCE, Panel
from tests.support.clients import Client, Json
from tests.support.databases import new_customer
from tests.support.edge import Edge

FIELDS = """id kind source priority state stateAt active occurrences message data raisedAt
  lastRaisedAt clearedAt acknowledgedAt acknowledgedBy shelvedUntil suppressedAt suppressedBy
  suppressedReason"""
ALARM = f"query ($id: ID!) {{ alarm(id: $id) {{ {FIELDS} }} }}"
NODE = f"query ($id: ID!) {{ node(id: $id) {{ __typename ... on Alarm {{ {FIELDS} }} }} }}"
LIST = """query ($filter: AlarmFilterInput, $first: Int, $after: String) {
  alarms(filter: $filter, first: $first, after: $after) {
    totalCount edges { cursor node { source } } pageInfo { hasNextPage endCursor } } }"""
ACKNOWLEDGE = f"mutation ($id: ID!) {{ acknowledgeAlarm(id: $id) {{ {FIELDS} }} }}"
ALL = """mutation ($filter: AlarmFilterInput) {
  acknowledgeAllAlarms(filter: $filter) { acknowledged } }"""
SHELVE = f"""mutation ($id: ID!, $forS: Int!, $reason: String!) {{
  shelveAlarm(id: $id, forS: $forS, reason: $reason) {{ {FIELDS} }} }}"""
UNSHELVE = f"mutation ($id: ID!) {{ unshelveAlarm(id: $id) {{ {FIELDS} }} }}"
TAKE_OUT = f"""mutation ($id: ID!, $reason: String!) {{
  takeAlarmOutOfService(id: $id, reason: $reason) {{ {FIELDS} }} }}"""
RETURN = f"mutation ($id: ID!) {{ returnAlarmToService(id: $id) {{ {FIELDS} }} }}"
STREAM = """subscription ($after: String, $source: String) {
  alarms(after: $after, source: $source) {
    cursor previousState alarm { id source state active occurrences message } } }"""
HOUR: Json = {"forS": 3600, "reason": "known"}
WHY: Json = {"reason": "being rebuilt"}
# What each mutation needs besides an id, and who may call it.
WRITES: dict[str, tuple[Json, frozenset[str]]] = {
    ACKNOWLEDGE: ({}, frozenset({"operator", "manager", "admin"})),
    SHELVE: (HOUR, frozenset({"manager", "admin"})),
    UNSHELVE: ({}, frozenset({"manager", "admin"})),
    TAKE_OUT: (WHY, frozenset({"manager", "admin"})),
    RETURN: ({}, frozenset({"manager", "admin"})),
}


def panel(edge: Edge) -> Panel:
    return Panel(edge.runtime.services.transactions, edge.customer_id)


def shown_id(row: AlarmRow) -> str:
    return global_id("Alarm", row.id)


async def asked(client: Client, document: str, **given: Any) -> Json:
    """The one field's object."""
    (found,) = (await client.ask(document, **given)).values()
    alarm: Json = found
    return alarm


async def test_an_alarm_from_its_first_moment_to_its_end(each_edge: Edge) -> None:
    operator = await each_edge.logged_in("operator")
    manager = await each_edge.logged_in("manager")
    row = await panel(each_edge).raised(data={"attempt": 3})
    alarm = await asked(operator, ALARM, id=shown_id(row))
    assert (alarm["kind"], alarm["source"], alarm["priority"]) == ("DEVICE_LOST", SOURCE, "HIGH")
    assert (alarm["state"], alarm["active"], alarm["occurrences"]) == ("UNACKNOWLEDGED", True, 1)
    assert (alarm["message"], alarm["data"]) == ("scanner-0 lost", {"attempt": 3})
    assert alarm["raisedAt"] == alarm["lastRaisedAt"] == alarm["stateAt"]
    assert alarm["clearedAt"] is alarm["acknowledgedAt"] is alarm["shelvedUntil"] is None
    seen = await asked(operator, ACKNOWLEDGE, id=alarm["id"])
    assert (seen["state"], seen["acknowledgedBy"]) == ("ACKNOWLEDGED", "operator")
    assert await asked(manager, ACKNOWLEDGE, id=alarm["id"]) == seen
    shelved = await asked(manager, SHELVE, id=alarm["id"], **HOUR)
    assert (shelved["state"], shelved["active"]) == ("SHELVED", True)
    assert (shelved["suppressedBy"], shelved["suppressedReason"]) == ("manager", "known")
    assert shelved["shelvedUntil"] > shelved["suppressedAt"]
    back = await asked(manager, UNSHELVE, id=alarm["id"])
    assert (back["state"], back["shelvedUntil"], back["suppressedBy"]) == (
        "UNACKNOWLEDGED",
        None,
        None,
    )
    out = await asked(manager, TAKE_OUT, id=alarm["id"], **WHY)
    assert (out["state"], out["suppressedReason"]) == ("OUT_OF_SERVICE", "being rebuilt")
    await panel(each_edge).cleared()
    assert (await asked(manager, RETURN, id=alarm["id"]))["state"] == "NORMAL"


async def test_found_again_by_either_id_and_null_where_there_is_none(
    edge: Edge, operator: Client
) -> None:
    row = await panel(edge).raised()
    alarm = await asked(operator, ALARM, id=shown_id(row))
    assert await asked(operator, ALARM, id=row.id) == alarm
    assert await asked(operator, NODE, id=shown_id(row)) == {"__typename": "Alarm"} | alarm
    for wrong in ("0" * 32, "nonsense", "", "a\0b", global_id("Event", row.id)):
        assert (await operator.ask(ALARM, id=wrong))["alarm"] is None, wrong
    for key in ("0" * 32, "nonsense", "x" * 500):
        assert (await operator.ask(NODE, id=global_id("Alarm", key)))["node"] is None


async def test_what_is_not_there_cannot_be_seen_to(edge: Edge, manager: Client) -> None:
    row = await panel(edge).raised()
    before = await edge.contents()
    for document, (given, _) in WRITES.items():
        for wrong in ("0" * 32, "nonsense", "", "a\0b", global_id("Event", row.id)):
            assert await manager.code(document, id=wrong, **given) == "NOT_FOUND", wrong
    assert await edge.contents() == before


async def test_listed_page_by_page_and_filtered(edge: Edge, operator: Client) -> None:
    alarms = panel(edge)
    a = await alarms.raised(source="a")
    await alarms.raised(source="b", kind=AlarmKind.PRINTER_HEAD_OPEN)
    await alarms.raised(source="c")
    await alarms.acknowledged(a)
    await alarms.cleared(source="c")

    async def listed(**given: Any) -> list[str]:
        found = await asked(operator, LIST, **given)
        if "first" not in given:
            assert found["totalCount"] == len(found["edges"])
        return [edge["node"]["source"] for edge in found["edges"]]

    assert await listed() == ["c", "b", "a"]
    assert await listed(filter={}) == ["c", "b", "a"]
    asking = ["UNACKNOWLEDGED", "RETURNED_UNACKNOWLEDGED"]
    assert await listed(filter={"states": asking}) == ["c", "b"]
    assert await listed(filter={"states": []}) == []
    assert await listed(filter={"active": True}) == ["b", "a"]
    assert await listed(filter={"active": False, "states": asking}) == ["c"]
    assert await listed(filter={"kind": "DEVICE_LOST"}) == ["c", "a"]
    assert await listed(filter={"source": "b"}) == ["b"]
    assert await listed(filter={"priority": "HIGH"}) == ["c", "a"]
    first = await asked(operator, LIST, first=2)
    assert (first["totalCount"], first["pageInfo"]["hasNextPage"]) == (3, True)
    assert await listed(first=2, after=first["pageInfo"]["endCursor"]) == ["a"]
    assert await operator.code(LIST, first=501) == "VALIDATION_ERROR"
    assert await operator.code(LIST, after="nonsense") == "VALIDATION_ERROR"
    assert await operator.code(LIST, filter={"source": "a\0"}) == "VALIDATION_ERROR"
    for wrong in ({"states": ["ASLEEP"]}, {"kind": "DEVICE_BORED"}, {"state": "NORMAL"}):
        assert "errors" in await operator.graphql(LIST, {"filter": wrong})


async def test_all_at_once(edge: Edge, operator: Client) -> None:
    alarms = panel(edge)
    for number in range(3):
        await alarms.raised(source=f"scanner-{number}")
    one = {"filter": {"source": "scanner-1"}}
    assert await asked(operator, ALL, **one) == {"acknowledged": 1}
    assert await asked(operator, ALL) == {"acknowledged": 2}
    before = await edge.contents()
    assert await asked(operator, ALL) == {"acknowledged": 0}
    assert await edge.contents() == before


@pytest.mark.parametrize("role", ["operator", "manager", "admin", "auditor"])
async def test_who_may_do_what_about_an_alarm(edge: Edge, role: str) -> None:
    row = await panel(edge).raised()
    client = await edge.logged_in(role)
    assert (await asked(client, ALARM, id=row.id))["state"] == "UNACKNOWLEDGED"
    for document, (given, who) in WRITES.items():
        if role in who:
            await client.ask(document, id=row.id, **given)
            continue
        before = await edge.contents()
        assert await client.code(document, id=row.id, **given) == "FORBIDDEN"
        assert await edge.contents() == before


@pytest.mark.parametrize("for_s", [0, -1, MAX_SHELVE_S + 1, 2**31 - 1])
async def test_a_shelf_that_has_no_end(edge: Edge, manager: Client, for_s: int) -> None:
    row = await panel(edge).raised()
    before = await edge.contents()
    refused = await manager.refusal(SHELVE, id=row.id, forS=for_s, reason="known")
    assert refused["extensions"]["code"] == "VALIDATION_ERROR"
    assert refused["extensions"]["details"]["field"] == "for_s"
    assert await edge.contents() == before


@pytest.mark.parametrize("reason", ["", "  ", "x" * 501, "a\0b"])
async def test_silence_without_a_reason(edge: Edge, manager: Client, reason: str) -> None:
    row = await panel(edge).raised()
    before = await edge.contents()
    for document, more in ((SHELVE, {"forS": 60}), (TAKE_OUT, {})):
        given: Json = {"id": row.id, "reason": reason, **more}
        assert await manager.code(document, **given) == "VALIDATION_ERROR"
    assert await edge.contents() == before


async def test_what_does_not_go_from_here(edge: Edge, manager: Client) -> None:
    row = await panel(edge).raised()
    await manager.ask(TAKE_OUT, id=row.id, **WHY)
    before = await edge.contents()
    for document in (ACKNOWLEDGE, SHELVE, UNSHELVE):
        assert await manager.code(document, id=row.id, **WRITES[document][0]) == "CONFLICT"
    assert await edge.contents() == before


async def test_the_stream_tells_each_change_and_resumes_without_loss(each_edge: Edge) -> None:
    operator = await each_edge.logged_in("operator")
    alarms = panel(each_edge)
    async with operator.subscribe(STREAM) as stream:
        await each_edge.subscribers(1)
        row = await alarms.raised()
        await alarms.raised("once more")
        await operator.ask(ACKNOWLEDGE, id=row.id)
        items = [item["alarms"] for item in await stream.take(3)]
    assert [(item["previousState"], item["alarm"]["state"]) for item in items] == [
        ("NORMAL", "UNACKNOWLEDGED"),
        ("UNACKNOWLEDGED", "UNACKNOWLEDGED"),
        ("UNACKNOWLEDGED", "ACKNOWLEDGED"),
    ]
    assert [item["alarm"]["occurrences"] for item in items] == [1, 2, 2]
    assert {item["alarm"]["id"] for item in items} == {shown_id(row)}
    await alarms.cleared()
    async with operator.subscribe(STREAM, after=items[0]["cursor"]) as stream:
        again = [item["alarms"] for item in await stream.take(3)]
    assert again[:2] == items[1:]
    assert (again[2]["previousState"], again[2]["alarm"]["state"]) == ("ACKNOWLEDGED", "NORMAL")


async def test_the_stream_of_one_source(edge: Edge, operator: Client) -> None:
    alarms = panel(edge)
    async with operator.subscribe(STREAM, source="printer-1") as stream:
        await edge.subscribers(1)
        await alarms.raised()
        await alarms.raised(source="printer-1", kind=AlarmKind.PRINTER_OUT_OF_MEDIA)
        assert (await stream.next())["alarms"]["alarm"]["source"] == "printer-1"


async def test_the_old_socket_hears_of_it_as_an_event(edge: Edge, operator: Client) -> None:
    async with operator.ws() as socket:
        await edge.subscribers(1)
        row = await panel(edge).raised("Reject 7 was not confirmed", AlarmKind.REJECT_NOT_CONFIRMED)
        heard = (await socket.hear_type("event"))["data"]
        assert (heard["severity"], heard["category"]) == ("CRITICAL", "ALARM")
        assert (heard["source"], heard["message"]) == (SOURCE, "Reject 7 was not confirmed")
        assert heard["data"]["alarm_id"] == row.id
        await operator.ask(ACKNOWLEDGE, id=row.id)
        heard = (await socket.hear_type("event"))["data"]
        assert heard["message"] == "Acknowledged by operator: Reject 7 was not confirmed"
        assert heard["data"]["by"] == "operator"


async def test_the_journal_can_be_asked_for_alarms(edge: Edge, operator: Client) -> None:
    await panel(edge).raised()
    await panel(edge).cleared()
    found = await operator.ask(
        """{ events(filter: {category: "ALARM"}) { edges { node { severity message } } } }"""
    )
    assert [one["node"] for one in found["events"]["edges"]] == [
        {"severity": "INFO", "message": "Over: scanner-0 lost"},
        {"severity": "ERROR", "message": "scanner-0 lost"},
    ]


async def test_an_alarm_comes_off_the_shelf_by_itself(edge: Edge, manager: Client) -> None:
    row = await panel(edge).raised()
    async with manager.subscribe(STREAM) as stream:
        await edge.subscribers(1)
        await manager.ask(SHELVE, id=row.id, forS=1, reason="known")
        shelved, back = [item["alarms"] for item in await stream.take(2)]
    assert shelved["alarm"]["state"] == "SHELVED"
    assert (back["previousState"], back["alarm"]["state"]) == ("SHELVED", "UNACKNOWLEDGED")


async def test_another_customer_s_alarms_are_as_good_as_absent(edge: Edge, manager: Client) -> None:
    row = await panel(edge).raised()
    other = await new_customer(edge.database, "Dairy Two")
    theirs = Panel(edge.runtime.services.transactions, other)
    command = CreateUser.of(username="stranger", password="long enough", role=Role.ADMIN)
    async with theirs.transactions.begin(system_actor("test", other)) as work:
        user = await identity.create_user(work, command, "no hash: nobody logs in by a password")
    stranger = edge.client(edge.token(user))
    assert (await asked(stranger, LIST))["totalCount"] == 0
    assert (await stranger.ask(ALARM, id=row.id))["alarm"] is None
    assert (await stranger.ask(NODE, id=shown_id(row)))["node"] is None
    before = await edge.contents()
    for document, (given, _) in WRITES.items():
        assert await stranger.code(document, id=row.id, **given) == "NOT_FOUND"
    assert await asked(stranger, ALL) == {"acknowledged": 0}
    assert await edge.contents() == before
    async with stranger.subscribe(STREAM) as stream:
        await edge.subscribers(1)
        await panel(edge).raised()
        own = await theirs.raised()
        heard = (await stream.next())["alarms"]["alarm"]["id"]
    assert b64decode(heard).decode() == f"Alarm:{own.id}"
    assert (await asked(manager, LIST))["totalCount"] == 1

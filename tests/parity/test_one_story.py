"""One story, told through each face by the same code; both see the same end, and each the other's.

An adapter says how a face asks for a step; the scenario knows nothing of it. Answers are plain
ids and the words that both faces have in common.
"""

from base64 import b64decode
from dataclasses import dataclass, replace
from typing import Any, Protocol

import pytest

from tests.support import documents as ask
from tests.support.codes import DOCUMENTED, TOO_SHORT, milk_codes
from tests.support.edge import Client, Edge

Json = dict[str, Any]


@dataclass(frozen=True)
class Verdict:
    valid: bool
    duplicate: bool
    gtin: str | None
    message: str | None
    bottle_id: str | None


@dataclass(frozen=True)
class Checked:
    """What became of a code that was checked against the buffer."""

    result: str
    gtin: str | None
    reason: str | None
    consumed_by: str | None
    batch: str | None


@dataclass(frozen=True)
class State:
    """What a face shows in the end; lists newest first."""

    bottles: list[tuple[str, str, str, int, str | None]]
    counts: dict[int, int]
    batches: list[tuple[str, str, str, int]]
    content: dict[str, list[str]]
    scans: list[tuple[str, bool]]
    events: list[tuple[str, str, bool, str | None]]
    buffer: tuple[int, int, int]
    buffered: list[tuple[str, str, int, int]]


class Face(Protocol):
    async def scan(self, code: str) -> Verdict: ...
    async def create_bottles(self, codes: list[str]) -> list[str]: ...
    async def create_batch(self, name: str, size: int) -> str: ...
    async def add(self, batch_id: str, bottle_ids: list[str]) -> int: ...
    async def set_status(self, bottle_id: str, status: int) -> None: ...
    async def load(self, batch_id: str) -> tuple[int, int]: ...
    async def check(self, code: str, by: str | None = None) -> Checked: ...
    async def clear(self, batch_id: str) -> int: ...
    async def note(self, message: str) -> str: ...
    async def acknowledge(self, event_id: str) -> None: ...
    async def refused(self, codes: list[str]) -> str: ...
    async def state(self) -> State: ...


STATUSES = ("CREATED", "IN_BATCH", "SENT", "SYNCED", "REJECTED", "DELETED")


def plain(global_id: str | None) -> str | None:
    return None if global_id is None else b64decode(global_id).decode().partition(":")[2]


def sure(global_id: str) -> str:
    return plain(global_id) or ""


@dataclass
class Graph:
    client: Client

    async def scan(self, code: str) -> Verdict:
        found = (await self.client.ask(ask.SCAN, input={"code": code}))["scan"]
        bottle = found["bottle"]
        return Verdict(
            found["valid"],
            found["duplicate"],
            found["gtin"],
            found["message"],
            plain(bottle["id"]) if bottle else None,
        )

    async def create_bottles(self, codes: list[str]) -> list[str]:
        given = {"bottles": [{"identifier": code} for code in codes]}
        made = await self.client.ask(ask.CREATE_BOTTLES, input=given)
        return [sure(bottle["id"]) for bottle in made["createBottles"]["bottles"]]

    async def create_batch(self, name: str, size: int) -> str:
        made = await self.client.ask(ask.CREATE_BATCH, input={"name": name, "batchSize": size})
        return sure(made["createBatch"]["id"])

    async def add(self, batch_id: str, bottle_ids: list[str]) -> int:
        given = {"batchId": batch_id, "bottleIds": bottle_ids}
        moved = await self.client.ask(ask.ADD_BOTTLES, input=given)
        return int(moved["addBottlesToBatch"]["added"])

    async def set_status(self, bottle_id: str, status: int) -> None:
        given = {"id": bottle_id, "status": STATUSES[status]}
        await self.client.ask(ask.SET_STATUS, input=given)

    async def load(self, batch_id: str) -> tuple[int, int]:
        done = (await self.client.ask(ask.LOAD_BUFFER, batch=batch_id))["loadBuffer"]
        return done["added"], done["batch"]["remaining"]

    async def check(self, code: str, by: str | None = None) -> Checked:
        found = (await self.client.ask(ask.VERIFY_CODE, code=code, by=by))["verifyCode"]
        item, batch = found["item"] or {}, found["batch"] or {}
        return Checked(
            found["verdict"],
            found["gtin"],
            found["reason"],
            item.get("consumedBy"),
            batch.get("identifier"),
        )

    async def clear(self, batch_id: str) -> int:
        done = await self.client.ask(ask.CLEAR_BUFFER, batch=batch_id)
        return int(done["clearBuffer"]["cleared"])

    async def note(self, message: str) -> str:
        made = await self.client.ask(ask.RECORD_EVENT, input={"message": message})
        return sure(made["recordEvent"]["id"])

    async def acknowledge(self, event_id: str) -> None:
        await self.client.ask(ask.ACKNOWLEDGE, id=event_id)

    async def refused(self, codes: list[str]) -> str:
        given = {"bottles": [{"identifier": code} for code in codes]}
        return await self.client.code(ask.CREATE_BOTTLES, input=given)

    async def state(self) -> State:
        found = await self.client.ask(
            """{ bottles { edges { node { id identifier gtin status batch { id } } } }
              bottleCounts { status count }
              batches { edges { node { id name status bottleCount bottles { id } } } }
              scans { edges { node { code valid } } }
              events { edges { node { id message acknowledgedAt acknowledgedBy } } }
              buffer { loaded consumed remaining
                batches { id identifier loaded consumed } } }"""
        )
        nodes = {
            name: [edge["node"] for edge in found[name]["edges"]]
            for name in ("bottles", "batches", "scans", "events")
        }
        return State(
            [
                (
                    sure(one["id"]),
                    one["identifier"],
                    one["gtin"],
                    STATUSES.index(one["status"]),
                    plain(one["batch"]["id"]) if one["batch"] else None,
                )
                for one in nodes["bottles"]
            ],
            {STATUSES.index(one["status"]): one["count"] for one in found["bottleCounts"]},
            [
                (sure(one["id"]), one["name"], one["status"].lower(), one["bottleCount"])
                for one in nodes["batches"]
            ],
            {
                sure(one["id"]): [sure(bottle["id"]) for bottle in one["bottles"]]
                for one in nodes["batches"]
            },
            [(one["code"], one["valid"]) for one in nodes["scans"]],
            [
                (
                    sure(one["id"]),
                    one["message"],
                    one["acknowledgedAt"] is not None,
                    one["acknowledgedBy"],
                )
                for one in nodes["events"]
            ],
            _figures(found["buffer"]),
            [
                (sure(one["id"]), one["identifier"], one["loaded"], one["consumed"])
                for one in found["buffer"]["batches"]
            ],
        )


@dataclass
class Rest:
    client: Client

    async def _data(self, method: str, path: str, body: Any = None) -> Any:
        given = {} if body is None else {"json": body}
        answer = await self.client.http.request(method, f"/api/v1{path}", **given)
        assert answer.status_code == 200, answer.text
        return answer.json().get("data")

    async def scan(self, code: str) -> Verdict:
        found = await self._data("POST", "/scanner/scan", {"code": code})
        return Verdict(
            found["valid"],
            found["duplicate"],
            found["gtin"],
            found["message"],
            found["bottleId"],
        )

    async def create_bottles(self, codes: list[str]) -> list[str]:
        given = {"bottles": [{"identifier": code} for code in codes]}
        made = await self._data("POST", "/bottles", given)
        return [bottle["id"] for bottle in made["bottles"]]

    async def create_batch(self, name: str, size: int) -> str:
        given = {"batch": {"name": name, "batchSize": size}, "bottles": []}
        made: str = (await self._data("POST", "/batches", given))["batch"]["id"]
        return made

    async def add(self, batch_id: str, bottle_ids: list[str]) -> int:
        return int((await self._data("POST", f"/batches/{batch_id}/bottles", bottle_ids))["added"])

    async def set_status(self, bottle_id: str, status: int) -> None:
        await self._data("PATCH", f"/bottles/{bottle_id}/status", {"status": status})

    async def load(self, batch_id: str) -> tuple[int, int]:
        given = {"batchIdentifier": batch_id}
        done = await self._data("POST", "/batch-accounting/buffer/load", given)
        return done["added"], done["remaining"]

    async def check(self, code: str, by: str | None = None) -> Checked:
        given = {"code": code, "consumedBy": by}
        found = await self._data("POST", "/batch-accounting/verify", given)
        names = ("result", "gtin", "reason", "consumedBy", "batchIdentifier")
        return Checked(*(found[name] for name in names))

    async def clear(self, batch_id: str) -> int:
        done = await self._data("DELETE", f"/batch-accounting/buffer?batch={batch_id}")
        return int(done["cleared"])

    async def note(self, message: str) -> str:
        made: str = (await self._data("POST", "/events", {"message": message}))["id"]
        return made

    async def acknowledge(self, event_id: str) -> None:
        await self._data("POST", f"/events/{event_id}/ack")

    async def refused(self, codes: list[str]) -> str:
        given = {"bottles": [{"identifier": code} for code in codes]}
        answer = await self.client.http.post("/api/v1/bottles", json=given)
        code: str = answer.json()["error"]["code"]
        return code

    async def state(self) -> State:
        bottles = await self._data("GET", "/bottles")
        counts = (await self._data("GET", "/bottles/count"))["byStatus"]
        batches = (await self._data("GET", "/batches"))["batches"]
        content = {}
        for one in batches:
            shown = await self._data("GET", f"/batches/{one['id']}")
            content[one["id"]] = [bottle["id"] for bottle in shown["bottles"]]
        events = (await self._data("GET", "/events"))["events"]
        buffer = await self._data("GET", "/batch-accounting/buffer")
        return State(
            [
                (one["id"], one["identifier"], one["gtin"], one["status"], one["batchId"])
                for one in bottles
            ],
            {int(status): count for status, count in counts.items()},
            [(one["id"], one["name"], one["status"], one["bottleCount"]) for one in batches],
            content,
            [
                (one["code"], one["valid"])
                for one in await self._data("GET", "/scanner/recent?limit=50")
            ],
            [
                (one["id"], one["message"], one["acknowledged"], one["acknowledgedBy"])
                for one in events
            ],
            _figures(buffer),
            [
                (one["id"], one["batchIdentifier"], one["loaded"], one["consumed"])
                for one in buffer["batches"]
            ],
        )


def _figures(buffer: Json) -> tuple[int, int, int]:
    return buffer["loaded"], buffer["consumed"], buffer["remaining"]


async def story(teller: Face) -> None:
    """A good read, a bad one, a duplicate; bottles, a batch that fills, a note acknowledged."""
    good = await teller.scan(DOCUMENTED)
    assert (good.valid, good.duplicate, good.gtin) == (True, False, "04600000000017")
    short = await teller.scan(TOO_SHORT)
    assert short == Verdict(False, False, None, "Invalid code length for industry", None)
    again = await teller.scan(DOCUMENTED)
    assert (again.valid, again.duplicate, again.bottle_id) == (True, True, good.bottle_id)
    codes = milk_codes(3)
    made = await teller.create_bottles(codes)
    assert await teller.refused([*milk_codes(1, seed=8), codes[0]]) == "CONFLICT"
    assert await teller.refused([TOO_SHORT]) == "VALIDATION_ERROR"
    batch = await teller.create_batch("Story", 3)
    assert await teller.add(batch, [good.bottle_id or "", made[0]]) == 2
    assert await teller.add(batch, made[1:2]) == 1
    assert await teller.load(batch) == (3, 3)
    first = await teller.check(codes[0], "packer-1")
    assert (first.result, first.reason, first.consumed_by) == ("VERIFIED", None, "packer-1")
    assert await teller.check(codes[0], "packer-2") == replace(
        first, result="ALREADY_CONSUMED", reason="ALREADY_CONSUMED"
    )
    assert (await teller.check(DOCUMENTED)).consumed_by == "operator"
    assert (await teller.check(codes[2])).result == "NOT_IN_BUFFER"
    bad = await teller.check(TOO_SHORT)
    assert (bad.result, bad.reason, bad.consumed_by) == ("INVALID", "BAD_LENGTH", None)
    assert await teller.load(batch) == (0, 1)
    await teller.set_status(made[2], 4)
    event = await teller.note("told")
    await teller.note("open")
    await teller.acknowledge(event)


async def faces(edge: Edge) -> dict[str, Face]:
    client = await edge.logged_in("operator")
    return {"graphql": Graph(client), "rest": Rest(client)}


def nameless(state: State) -> Json:
    """Without ids, which differ between two edges."""
    return {
        "bottles": [(code, gtin, status, bool(b)) for _, code, gtin, status, b in state.bottles],
        "counts": state.counts,
        "batches": [batch[1:] for batch in state.batches],
        "sizes": [len(inside) for inside in state.content.values()],
        "scans": state.scans,
        "events": [event[1:] for event in state.events],
        "buffer": state.buffer,
        "buffered": [(name[-6:], *counts) for _, name, *counts in state.buffered],
    }


EXPECTED = {
    "counts": {1: 3, 4: 1},
    "batches": [("Story", "complete", 3)],
    "sizes": [3],
    "scans": [(DOCUMENTED, True), (TOO_SHORT, False), (DOCUMENTED, True)],
    "events": [("open", False, None), ("told", True, "operator")],
    "buffer": (3, 2, 1),
    "buffered": [("000001", 3, 2)],
}


@pytest.mark.parametrize("teller", ["graphql", "rest"])
async def test_both_faces_see_what_one_told(each_edge: Edge, teller: str) -> None:
    both = await faces(each_edge)
    await story(both[teller])
    graph, rest = [await both[name].state() for name in ("graphql", "rest")]
    assert graph == rest
    shown = nameless(graph)
    expected = EXPECTED | {"bottles": shown["bottles"]}
    assert shown == expected
    assert sorted(status for _, _, status, _ in shown["bottles"]) == [1, 1, 1, 4]


@pytest.mark.parametrize("first", ["graphql", "rest"])
async def test_what_one_begins_the_other_ends(edge: Edge, first: str) -> None:
    both = await faces(edge)
    one, other = both[first], both["rest" if first == "graphql" else "graphql"]
    made = await one.scan(DOCUMENTED)
    again = await other.scan(DOCUMENTED)
    assert (again.duplicate, again.bottle_id) == (True, made.bottle_id)
    batch = await other.create_batch("Shared", 2)
    more = await one.create_bottles(milk_codes(1))
    assert await one.add(batch, more) == 1
    assert await other.add(batch, [made.bottle_id or ""]) == 1
    assert await one.load(batch) == (2, 2)
    checked = await other.check(DOCUMENTED, "other")
    assert checked.result == "VERIFIED"
    assert (await one.check(DOCUMENTED, "one")).consumed_by == "other"
    assert await other.load(batch) == (0, 1)
    assert await one.clear(batch) == 2
    assert (await other.check(DOCUMENTED)).result == "NOT_IN_BUFFER"
    event = await one.note("told by one")
    await other.acknowledge(event)
    assert await one.refused(milk_codes(1)) == await other.refused(milk_codes(1)) == "CONFLICT"
    assert await one.state() == await other.state()
    assert nameless(await one.state())["batches"] == [("Shared", "complete", 2)]


async def test_the_two_tellings_end_alike(edge: Edge, postgres_edge: Edge) -> None:
    """Through GraphQL on SQLite and through REST on PostgreSQL: not a word differs."""
    graph, rest = (await faces(edge))["graphql"], (await faces(postgres_edge))["rest"]
    await story(graph)
    await story(rest)
    assert nameless(await graph.state()) == nameless(await rest.state())


async def test_a_code_that_rest_wrote_has_its_genealogy_in_the_graph(edge: Edge) -> None:
    both = await faces(edge)
    await story(both["rest"])
    client = await edge.logged_in("operator")
    found = (await client.ask(ask.TRACE, identifier=DOCUMENTED))["trace"]
    assert [step["kind"] for step in found["path"]] == ["BATCH", "BOTTLE"]
    assert [one["duplicate"] for one in found["scans"]] == [False, True]
    kinds = [event["kind"] for event in found["events"]]
    assert kinds == ["CREATED", "CREATED", "PACKED", "COMPLETED", "VERIFIED"]  # bottle and batch

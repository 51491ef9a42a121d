"""Backups by the old API and by the graph: what is in them, what goes wrong, what stays."""

import asyncio
import gzip
import sqlite3
from pathlib import Path
from urllib.parse import parse_qs, urlsplit

import pytest

from domain.identity.installation.rules import PURPOSE
from domain.kernel import signing
from domain.kernel.database import Database
from tests.support.clients import Json
from tests.support.contents import contents
from tests.support.factory import FactoryServer
from tests.support.factory_api import register
from tests.support.ontakt import (
    PG_DUMP,
    Caller,
    caller,
    error,
    program,
    restore,
    saved,
    with_role,
)
from tests.support.waiting import eventually

CREATE = "mutation { createBackup { name sizeBytes createdAt url urlExpiresAt } }"
KEPT = "{ backups { name sizeBytes url } }"
NOTE = 'mutation { recordEvent(input: {message: "a note"}) { id } }'
MADE = "backup.made"


async def test_a_postgresql_is_restored_as_it_was(
    postgres_factory: FactoryServer, empty_postgres: Database, tmp_path: Path
) -> None:
    factory = postgres_factory
    manager = await factory.logged_in("manager")
    for number in range(30):
        await register(manager, f"edge-{number}")
    before = await factory.contents()
    for word, path in (("yes", tmp_path / "small.dump"), ("no", tmp_path / "large.dump")):
        who = await with_role(factory, "admin")
        answer = await who.post(f"backup?compress={word}")
        assert answer.status_code == 200, answer.text
        assert answer.content.startswith(b"PGDMP")
        await saved(answer, path)
    assert (tmp_path / "small.dump").stat().st_size < (tmp_path / "large.dump").stat().st_size
    await restore(tmp_path / "small.dump", empty_postgres)
    assert await contents(empty_postgres) == before
    assert await is_audited(factory, 2)


async def is_audited(factory: FactoryServer, times: int) -> bool:
    admin = await factory.logged_in("admin")
    query = f'{{ auditLog(filter: {{action: "{MADE}"}}) {{ totalCount }} }}'
    return bool((await admin.ask(query))["auditLog"]["totalCount"] == times)


async def test_writers_go_on_meanwhile(each_factory: FactoryServer, tmp_path: Path) -> None:
    operator = await each_factory.logged_in("operator")
    admin = await with_role(each_factory, "admin")
    done, written = asyncio.Event(), 0

    async def write() -> None:
        nonlocal written
        while not done.is_set():
            await operator.ask(NOTE)
            written += 1

    writers = [asyncio.create_task(write()) for _ in range(4)]
    await eventually(lambda: written > 10)
    counts: list[int] = []
    # Four that were under way would end beside any backup: of one, more has to.
    while len(counts) < 3 or max(counts) <= len(writers):
        number, began = len(counts), written
        answer = await admin.post("backup")
        assert answer.status_code == 200, answer.text
        counts.append(written - began)
        if each_factory.database.is_sqlite:
            path = await saved(answer, tmp_path / f"{number}.db")
            copy = sqlite3.connect(path)
            assert copy.execute("PRAGMA integrity_check").fetchall() == [("ok",)]
            (found,) = copy.execute("SELECT count(*) FROM journal_event").fetchone()
            copy.close()
            assert began <= found <= written + len(writers)
    done.set()
    await asyncio.gather(*writers)


@pytest.fixture
def factory_settings(request: pytest.FixtureRequest, tmp_path: Path) -> Json:
    """With a program of these lines in pg_dump's place, where a test names some."""
    settings = {"rate_limits": False, "supervised": True, "pg_dump": PG_DUMP}
    given = getattr(request, "param", {})
    if isinstance(given, dict):
        return settings | given
    lines = [line.replace("{gate}", str(tmp_path / GATE)) for line in given]
    settings |= {"pg_dump": program(tmp_path / "tool", *lines)}
    return settings | ({"backup_timeout_s": 5} if given is ENDLESS else {})


AN_ERROR = ("echo the password is secret >&2", "exit 1")
HALF = (
    'for one in "$@"; do case $one in --file=*) f=${one#--file=};; esac; done',
    'echo half > "$f"',
    "kill -9 $$",
)
NONE_INSIDE = ("exec /nowhere/at/all",)
ENDLESS = ("exec sleep 60",)
GATE = "gate"
SLOW = (
    "test -e {gate} || echo began > {gate}",
    "while test -s {gate}; do sleep 0.02; done",
    f'exec {PG_DUMP} "$@"',
)


@pytest.mark.parametrize(
    ("factory_settings", "status"),
    [(AN_ERROR, 502), (HALF, 502), (NONE_INSIDE, 503), (ENDLESS, 504)],
    ids=["an error", "half a dump", "no such program inside", "endless"],
    indirect=["factory_settings"],
)
async def test_a_tool_that_fails(postgres_factory: FactoryServer, status: int) -> None:
    await nothing_comes_of_it(postgres_factory, status)


@pytest.mark.parametrize("factory_settings", [{"pg_dump": "/nowhere/pg_dump"}], indirect=True)
async def test_a_tool_that_is_not_there(postgres_factory: FactoryServer) -> None:
    await nothing_comes_of_it(postgres_factory, 503)


async def nothing_comes_of_it(factory: FactoryServer, status: int) -> None:
    admin = await with_role(factory, "admin")
    before = await factory.contents()
    refused = error(await admin.post("backup"), status)
    assert "secret" not in refused["error"]
    codes = {502: "UPSTREAM_ERROR", 503: "SERVICE_UNAVAILABLE", 504: "TIMEOUT"}
    graph = await factory.logged_in("admin")
    assert await graph.code(CREATE) == codes[status]
    assert await factory.contents() == before
    assert await graph.ask(KEPT) == {"backups": []}
    assert left(factory) == [".lock"]


def left(factory: FactoryServer) -> list[str]:
    return sorted(one.name for one in factory.runtime.settings.backups.iterdir())


async def test_a_folder_that_is_none(factory: FactoryServer, admin: Caller) -> None:
    folder = factory.runtime.settings.backups
    folder.write_text("a file is in the way")
    before = await factory.contents()
    error(await admin.post("backup"), 503)
    assert await factory.contents() == before


@pytest.mark.parametrize("factory_settings", [SLOW], indirect=True)
async def test_one_at_a_time(postgres_factory: FactoryServer, tmp_path: Path) -> None:
    factory, gate = postgres_factory, tmp_path / GATE
    admin = await with_role(factory, "admin")
    first = asyncio.create_task(admin.post("backup"))
    await eventually(lambda: gate.exists() and gate.read_text() == "began\n")
    second = caller(factory, (await factory.logged_in("admin")).token)
    assert error(await second.post("backup"), 503)["error"] == "Another backup is being made"
    gate.write_text("")
    assert (await first).status_code == 200
    assert (await second.post("backup")).status_code == 200


async def test_what_a_killed_process_left_goes(factory: FactoryServer, admin: Caller) -> None:
    folder = factory.runtime.settings.backups
    folder.mkdir()
    (folder / "factory-20260101T000000Z-00000000.db.unfinished").write_text("half")
    assert (await admin.post("backup")).status_code == 200
    assert left(factory) == [".lock"]


@pytest.mark.parametrize("factory_settings", [{"backups_kept": 2}], indirect=True)
async def test_the_graph_keeps_some(factory: FactoryServer, tmp_path: Path) -> None:
    admin = await factory.logged_in("admin")
    made = [(await admin.ask(CREATE))["createBackup"] for _ in range(3)]
    kept = (await admin.ask(KEPT))["backups"]
    assert [one["name"] for one in kept] == [made[2]["name"], made[1]["name"]]
    assert sorted(left(factory)) == sorted([".lock", *(one["name"] for one in kept)])
    for path in factory.runtime.settings.backups.iterdir():
        assert path.stat().st_mode & 0o077 == 0, path
    assert factory.runtime.settings.backups.stat().st_mode & 0o077 == 0
    answer = await factory.client().http.get(kept[0]["url"])
    assert (answer.status_code, len(answer.content)) == (200, kept[0]["sizeBytes"])
    assert kept[0]["name"] in answer.headers["content-disposition"]
    copy = sqlite3.connect(":memory:")
    copy.deserialize(as_file(gzip.decompress(answer.content)))
    assert copy.execute("PRAGMA integrity_check").fetchall() == [("ok",)]
    copy.close()
    gone = await factory.client().http.get(made[0]["url"])
    assert (gone.status_code, gone.json()) == (404, {"error": "Backup not found"})
    removed = await admin.ask(
        "mutation ($n: String!) { removeBackup(name: $n) }", n=kept[0]["name"]
    )
    assert removed == {"removeBackup": kept[0]["name"]}
    assert [one["name"] for one in (await admin.ask(KEPT))["backups"]] == [kept[1]["name"]]
    assert await is_audited(factory, 3)
    query = '{ auditLog(filter: {action: "backup.removed"}) { edges { node { entityId } } } }'
    told = [edge["node"]["entityId"] for edge in (await admin.ask(query))["auditLog"]["edges"]]
    assert told == [kept[0]["name"], made[0]["name"]], "those that others took the place of, too"


def as_file(content: bytes) -> bytes:
    """A database in memory has no write-ahead log."""
    return content[:18] + b"\1\1" + content[20:]


async def test_a_link_is_its_own_backups_and_soon_over(
    factory: FactoryServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    admin = await factory.logged_in("admin")
    first = (await admin.ask(CREATE))["createBackup"]
    second = (await admin.ask(CREATE))["createBackup"]
    http = factory.client().http
    query = {name: values[0] for name, values in parse_qs(urlsplit(first["url"]).query).items()}
    path = urlsplit(first["url"]).path
    content, mac = query["token"].split(".")
    macs = factory.runtime.services.identity.macs
    said = signing.read(macs, PURPOSE, query["token"])
    bad = [
        "",
        content,
        f"{content}.{'0' * 64}",
        f"{content}.ä",
        f"x{content}.{mac}",
        signing.sign(macs, "another purpose", said),
        signing.sign(macs, PURPOSE, {"name": said["name"]}),
    ]
    for token in bad:
        assert (await http.get(path, params={"token": token})).status_code == 403
    assert (await http.get(path)).status_code == 403
    other = await http.get(urlsplit(second["url"]).path, params=query)
    assert other.status_code == 403
    for name in (".lock", "x", "%00"):
        assert (await http.get(f"/backups/{name}", params=query)).status_code == 403
    assert (await http.get("/backups/..%2Ffactory.db", params=query)).status_code == 404
    assert (await http.get("/backups/a/b")).status_code == 404
    assert (await http.delete(path)).status_code == 405
    head = await http.head(first["url"])
    assert (head.status_code, head.content) == (200, b"")
    assert head.headers["content-length"] == str(int(first["sizeBytes"]))
    late = said[signing.EXPIRES]
    clock = factory.runtime.services.clock
    monkeypatch.setattr(type(clock), "now_us", lambda _self: late)
    assert (await http.get(first["url"])).status_code == 403


@pytest.mark.parametrize("name", ["", "x", "../factory.db", ".lock", "a\0b", "factory-" * 100])
async def test_only_backups_are_removed(factory: FactoryServer, name: str) -> None:
    admin = await factory.logged_in("admin")
    await admin.ask(CREATE)
    before = left(factory)
    remove = "mutation ($n: String!) { removeBackup(name: $n) }"
    assert await admin.code(remove, n=name) == "NOT_FOUND"
    assert left(factory) == before

"""Device config files: the documented examples, any bytes, links, and refusals."""

import asyncio
import hashlib
import os
from base64 import b64encode
from pathlib import Path
from urllib.parse import quote, urlsplit

import httpx2
import pytest

from domain.fleet.config_files import repository
from domain.fleet.config_files.uploads import sweep_config_files
from domain.kernel import signing
from graph.fleet.resolvers.config_files import LINK
from tests.support.clients import Client, Json
from tests.support.clocks import ManualClock
from tests.support.factory import FactoryServer
from tests.support.factory_api import neighbour
from tests.support.jobs import CORS, base_of, error, ok, other_base, pieces
from tests.support.raw_http import opened
from tests.support.software import files_in
from tests.support.valtronics import set_clock
from tests.support.waiting import eventually

NAME = "very important config file."
LIMIT = 6 * 1024 * 1024
NAMED = {"file-name": NAME}


@pytest.fixture
def factory_settings() -> Json:
    return {"rate_limits": False, "customer_alias": "demo", "max_config_file_bytes": LIMIT}


@pytest.fixture
async def manager(factory: FactoryServer) -> Client:
    return await factory.logged_in("manager")


@pytest.fixture
def epoch(factory: FactoryServer) -> ManualClock:
    return set_clock(factory, "1970-01-01T00:00:00Z")


def stored(factory: FactoryServer) -> list[str]:
    """What lies in the storage, uploads under way too."""
    folder: Path = factory.runtime.settings.data_dir / "artifacts"
    return [name for name in files_in(folder) if not name.startswith(".")]


async def put(
    client: Client, content: bytes, key: str = "asrtdgh", **headers: str
) -> httpx2.Response:
    where = f"{await base_of(client)}/device-configs/{quote(key, safe='')}"
    return await client.http.put(where, content=content, headers=NAMED | headers)


async def got(client: Client, key: str = "asrtdgh") -> httpx2.Response:
    return await client.http.get(f"{await base_of(client)}/device-configs/{key}")


async def link_to(client: Client, key: str = "asrtdgh") -> str:
    where = await base_of(client) + "/generate-download-url"
    found: str = ok(await client.http.post(where, json={"device_config_id": key}))["download_link"]
    return found


async def test_the_documented_file(manager: Client, epoch: ManualClock) -> None:
    content = b"24 bytes of a file, yes\n"
    documented = {
        "id": "asrtdgh",
        "class": "device",
        "name": "very important config file.",
        "last_modified": 0,
        "created": 0,
        "file_size": 24,
    }
    base = await base_of(manager)
    assert ok(await manager.http.get(f"{base}/device-configs")) == {"configs": []}
    assert ok(await put(manager, content)) == documented
    assert ok(await manager.http.get(f"{base}/device-configs")) == {"configs": [documented]}
    found = await got(manager)
    assert (found.status_code, found.content) == (200, content)
    assert set(found.headers) >= CORS
    gone = await manager.http.delete(f"{base}/device-configs/asrtdgh")
    assert (gone.status_code, gone.content) == (204, b"")
    error(await got(manager), 404)
    again = await manager.http.delete(f"{base}/device-configs/asrtdgh")
    assert (again.status_code, again.content) == (204, b"")


@pytest.mark.parametrize(
    "content", [b"", b"\0", bytes(range(256)), b'{"a": 1}', os.urandom(5_500_000)]
)
async def test_any_bytes_come_back_as_they_came(
    factory: FactoryServer, manager: Client, content: bytes
) -> None:
    made = ok(await put(manager, content, **{"content-type": "string"}))
    assert made["file_size"] == len(content)
    found = await got(manager)
    assert found.content == content
    expected = {
        "content-type": "string",
        "content-length": str(len(content)),
        "content-disposition": f'attachment; filename="{NAME}"; '
        f"filename*=UTF-8''{quote(NAME, safe='')}",
        "etag": f'"{hashlib.sha256(content).hexdigest()}"',
        "x-content-type-options": "nosniff",
        "cache-control": "private, no-store",
    }
    assert expected.items() <= dict(found.headers).items()
    assert len(stored(factory)) == 1


async def test_a_page_stays_an_attachment(manager: Client) -> None:
    ok(await put(manager, b"<script>", **{"content-type": "text/html"}))
    found = await got(manager)
    assert found.headers["content-type"] == "text/html"
    assert found.headers["content-disposition"].startswith("attachment;")


async def test_a_replaced_file_keeps_its_beginning(
    factory: FactoryServer, manager: Client, epoch: ManualClock
) -> None:
    ok(await put(manager, b"one"))
    epoch.advance(5)
    made = ok(await put(manager, b"three", **{"file-name": "other.bin"}))
    assert (made["created"], made["last_modified"]) == (0, 5_000)
    assert (made["name"], made["file_size"]) == ("other.bin", 5)
    assert (await got(manager)).content == b"three"
    assert len(stored(factory)) == 1


GOOD_NAMES = ["a", "...", "конфиг.bin", "größe 1.cfg", "a%2Fb", 'say "x"; y', "~", "a..b"]


@pytest.mark.parametrize("name", GOOD_NAMES)
async def test_names_are_kept(manager: Client, name: str) -> None:
    where = await base_of(manager) + "/device-configs/named"
    headers = [(b"file-name", name.encode())]
    made = ok(await manager.http.put(where, content=b"x", headers=headers))
    assert made["name"] == name
    shown = (await got(manager, "named")).headers["content-disposition"]
    assert shown.endswith(f"filename*=UTF-8''{quote(name, safe='')}")


BAD_NAMES = ["", ".", "..", "../etc/passwd", "/etc/passwd", "a/b", "..\\a", "C:\\a", "a" * 256]


async def test_names_with_paths_are_refused(factory: FactoryServer, manager: Client) -> None:
    before = await factory.contents()
    for name in BAD_NAMES:
        error(await put(manager, b"x", **{"file-name": name}), 400)
    where = await base_of(manager) + "/device-configs/unnamed"
    assert "file-name" in error(await manager.http.put(where, content=b"x"), 400).lower()
    assert await factory.contents() == before
    assert stored(factory) == []


async def test_hostile_ids_are_refused_or_name_nothing(
    factory: FactoryServer, manager: Client
) -> None:
    before = await factory.contents()
    for key in ("a\0b", "..", ".", "a\\b", "a" * 129, "\x7f", " "):
        answer = await put(manager, b"x", key)
        assert answer.status_code in (400, 404, 405), (key, answer.text)
        where = f"{await base_of(manager)}/device-configs/{quote(key, safe='')}"
        assert (await manager.http.get(where)).status_code in (200, 400, 404)
        assert (await manager.http.delete(where)).status_code in (204, 400, 404, 405)
    error(await put(manager, b"x", "a/../../b"), 404)
    assert await factory.contents() == before
    assert stored(factory) == []


async def test_a_file_that_is_too_large_leaves_nothing(
    factory: FactoryServer, manager: Client
) -> None:
    ok(await put(manager, b"before"))
    before, lying = await factory.contents(), stored(factory)
    large = os.urandom(LIMIT + 1)
    error(await put(manager, large), 413)
    where = await base_of(manager) + "/device-configs/asrtdgh"
    error(await manager.http.put(where, content=pieces(large), headers=NAMED), 413)
    assert await factory.contents() == before
    assert stored(factory) == lying
    assert (await got(manager)).content == b"before"
    ok(await put(manager, large[:LIMIT]))


async def test_an_upload_that_is_cut_leaves_nothing(
    factory: FactoryServer, manager: Client
) -> None:
    before = await factory.contents()
    where = await base_of(manager) + "/device-configs/cut"
    head = (
        f"PUT {where} HTTP/1.1\r\nHost: {factory.address}\r\nFile-Name: a\r\n"
        f"Authorization: {manager.token}\r\nContent-Length: 5000000\r\n\r\n"
    )
    async with opened(factory.port) as (reader, writer):
        writer.write(head.encode() + b"x" * 1_000_000)
        await writer.drain()
        writer.write_eof()
        await reader.read()
    # Whoever was cut off hears nothing of it, so there is no answer to wait for.
    await eventually(lambda: stored(factory) == [])
    assert await factory.contents() == before


async def test_of_many_writers_one_stays_and_no_bytes_of_others(
    each_factory: FactoryServer,
) -> None:
    manager = await each_factory.logged_in("manager")
    contents = [bytes([number]) * 10_000 for number in range(8)]
    answers = await asyncio.gather(*(put(manager, content) for content in contents))
    assert {answer.status_code for answer in answers} == {200}
    assert (await got(manager)).content in contents
    assert (
        len(ok(await manager.http.get(await base_of(manager) + "/device-configs"))["configs"]) == 1
    )
    assert len(stored(each_factory)) == 1


async def test_readers_see_one_version_or_the_other(manager: Client) -> None:
    versions = [bytes([number]) * 200_000 for number in range(2)]
    ok(await put(manager, versions[0]))

    async def write() -> None:
        for number in range(10):
            ok(await put(manager, versions[number % 2]))

    async def read() -> None:
        for _ in range(20):
            found = await got(manager)
            assert (found.status_code, found.content in versions) == (200, True)

    await asyncio.gather(write(), read(), read())


async def test_a_link_opens_the_file_for_a_while(factory: FactoryServer, manager: Client) -> None:
    clock = set_clock(factory, "2026-01-01T00:00:00Z")
    ok(await put(manager, b"linked"))
    link = await link_to(manager)
    assert urlsplit(link).netloc == factory.address
    nobody = factory.client()
    head = await nobody.http.head(link)
    assert (head.status_code, head.content, head.headers["content-length"]) == (200, b"", "6")
    found = await nobody.http.get(link)
    assert (found.status_code, found.content) == (200, b"linked")
    assert set(found.headers) >= CORS
    ok(await put(manager, b"newer"))
    assert (await nobody.http.get(link)).content == b"newer"
    clock.advance(299)
    assert (await nobody.http.get(link)).status_code == 200
    clock.advance(1)
    error(await nobody.http.get(link), 403)
    fresh = await link_to(manager)
    await manager.http.delete(await base_of(manager) + "/device-configs/asrtdgh")
    error(await nobody.http.get(fresh), 404)


async def test_a_link_opens_what_it_was_made_for(factory: FactoryServer, manager: Client) -> None:
    """Also where another file is called by what the first one's id is."""
    ok(await put(manager, b"linked"))
    link, nobody = await link_to(manager), factory.client()
    async with factory.database.read() as session:
        row = await repository.find(session, factory.customer_id, "asrtdgh")
    assert row is not None
    ok(await put(manager, b"another", row.id))
    assert (await got(manager, row.id)).content == b"another"
    assert (await nobody.http.get(await link_to(manager, row.id))).content == b"another"
    assert (await nobody.http.get(link)).content == b"linked"
    ok(await put(manager, b"newer"))
    assert (await nobody.http.get(link)).content == b"newer"
    await manager.http.delete(await base_of(manager) + "/device-configs/asrtdgh")
    error(await nobody.http.get(link), 404)


async def test_a_link_is_good_for_nothing_else(factory: FactoryServer, manager: Client) -> None:
    ok(await put(manager, b"linked"))
    link = await link_to(manager)
    nobody = factory.client()
    where, _, good = link.rpartition("/")
    body, _, mac = good.partition(".")
    for forged in (good[:-1], good + "0", body, mac, f"{body}.", f".{mac}", f"x{good}", "\xe4"):
        assert (await nobody.http.get(f"{where}/{forged}")).status_code == 403, forged
    macs = factory.runtime.services.identity.macs
    content = {"customer": factory.customer_id, "file": "x"}
    for purpose in ("insight-page", "provisioning-package"):
        token = signing.sign_until(macs, purpose, content, 2**60)
        error(await nobody.http.get(f"{where}/{token}"), 403)
    endless = signing.sign(macs, LINK, content)
    error(await nobody.http.get(f"{where}/{endless}"), 403)


async def test_what_is_no_wish_for_a_link(factory: FactoryServer, manager: Client) -> None:
    where = await base_of(manager) + "/generate-download-url"
    for body in (b"", b"{", b"[]", b"{}", b'{"device_config_id": 1}', b'{"device_config_id": ""}'):
        error(await manager.http.post(where, content=body), 400)
    for key in ("a\0b", "../a", "a" * 129):
        error(await manager.http.post(where, json={"device_config_id": key}), 400)
    error(await manager.http.post(where, json={"device_config_id": "asrtdgh"}), 404)
    error(await factory.client().http.post(where, json={}), 401)


async def test_who_may_what(factory: FactoryServer, manager: Client) -> None:
    ok(await put(manager, b"kept"))
    other = await neighbour(factory)
    before, lying = await factory.contents(), stored(factory)
    base = await base_of(manager)
    for role in ("operator", "auditor"):
        client = await factory.logged_in(role)
        assert (await got(client)).content == b"kept"
        assert len(ok(await client.http.get(f"{base}/device-configs"))["configs"]) == 1
        assert await link_to(client)
        assert "device-configs." in error(await put(client, b"mine"), 403)
        error(await client.http.delete(f"{base}/device-configs/asrtdgh"), 403)
    nobody = factory.client()
    for method in ("GET", "PUT", "DELETE"):
        error(await nobody.http.request(method, f"{base}/device-configs/asrtdgh"), 401)
    error(await nobody.http.get(f"{base}/device-configs"), 401)
    for method in ("GET", "PUT", "DELETE"):
        error(await other.http.request(method, f"{base}/device-configs/asrtdgh"), 403)
    theirs = await other_base(factory)
    error(await other.http.get(f"{theirs}/device-configs/asrtdgh"), 404)
    error(
        await other.http.post(
            f"{theirs}/generate-download-url", json={"device_config_id": "asrtdgh"}
        ),
        404,
    )
    assert (await other.http.delete(f"{theirs}/device-configs/asrtdgh")).status_code == 204
    assert await factory.contents() == before
    assert stored(factory) == lying


async def test_two_customers_call_theirs_the_same(factory: FactoryServer, manager: Client) -> None:
    ok(await put(manager, b"ours"))
    other = await neighbour(factory)
    where = await other_base(factory) + "/device-configs/asrtdgh"
    ok(await other.http.put(where, content=b"theirs", headers=NAMED))
    assert (await got(manager)).content == b"ours"
    assert (await other.http.get(where)).content == b"theirs"
    assert len(stored(factory)) == 2


async def test_the_sweep_leaves_what_a_row_names(factory: FactoryServer, manager: Client) -> None:
    ok(await put(manager, b"kept"))
    ok(await put(manager, b"kept too", "other"))
    folder = factory.runtime.settings.data_dir / "artifacts" / "device-configs"
    (folder / "orphan").write_bytes(b"of a process that died")
    services = factory.runtime.services.config_files
    assert services is not None
    assert await sweep_config_files(factory.database, services) == 0
    assert await sweep_config_files(factory.database, services, -10.0) == 1
    assert len(stored(factory)) == 2
    assert (await got(manager)).content == b"kept"


PUT = """mutation ($input: PutDeviceConfigFileInput!) {
  putDeviceConfigFile(input: $input) { id identifier name mediaType sizeBytes sha256 content } }"""


async def test_the_graph_shows_and_takes_the_same(factory: FactoryServer, manager: Client) -> None:
    content = b64encode(b"by the graph").decode()
    given = {"identifier": "asrtdgh", "name": NAME, "content": content, "mediaType": "text/plain"}
    made = (await manager.ask(PUT, input=given))["putDeviceConfigFile"]
    assert made == {
        "id": made["id"],
        "identifier": "asrtdgh",
        "name": NAME,
        "mediaType": "text/plain",
        "sizeBytes": 12,
        "sha256": hashlib.sha256(b"by the graph").hexdigest(),
        "content": content,
    }
    found = await got(manager)
    assert (found.content, found.headers["content-type"]) == (b"by the graph", "text/plain")
    ok(await put(manager, b"y" * 2_000_000, "large"))
    query = "{ deviceConfigFiles { totalCount edges { node { identifier content } } } }"
    listed = (await manager.ask(query))["deviceConfigFiles"]
    assert [edge["node"] for edge in listed["edges"]] == [
        {"identifier": "large", "content": None},
        {"identifier": "asrtdgh", "content": content},
    ]
    link = "mutation ($id: ID!) { linkDeviceConfigFile(id: $id) { url file { name } } }"
    linked = (await manager.ask(link, id=made["id"]))["linkDeviceConfigFile"]
    assert (await factory.client().http.get(linked["url"])).content == b"by the graph"
    remove = "mutation ($id: ID!) { removeDeviceConfigFile(id: $id) { identifier } }"
    for expected in ({"identifier": "asrtdgh"}, None):
        assert await manager.ask(remove, id="asrtdgh") == {"removeDeviceConfigFile": expected}
    error(await got(manager), 404)
    for wrong in ({"content": "no base64!"}, {"name": "a/b"}, {"identifier": ".."}):
        assert await manager.code(PUT, input=given | wrong) == "VALIDATION_ERROR"
    assert len(stored(factory)) == 1

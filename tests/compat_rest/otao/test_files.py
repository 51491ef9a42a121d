"""Files: names, sizes, replacement, and links that need no token."""

import asyncio
import hashlib
import os
import re
from pathlib import Path
from typing import Any

import pytest

from domain.kernel import signing
from domain.software.links import PURPOSE
from tests.support.clients import Client
from tests.support.factory import FactoryServer
from tests.support.factory_api import neighbour
from tests.support.otao import KETTLE, create, done, refused, shown, upload
from tests.support.raw_http import exchange
from tests.support.software import files_in
from tests.support.valtronics import set_clock

CONTENT = os.urandom(700_000)
LIMIT = 4 * 1024 * 1024
GOOD = ("a", "0", "sketch.bin", ".hidden", "a-b_c.d", "_", "-", "..a", "a" * 30)
BAD = (
    *("", ".", "..", "...", "Sketch.bin", "a b", "a/b", "/etc/passwd", "../a", "..\\a", "ü.bin"),
    *("a" * 31, "a\tb", "a%2fb", "a;b", "a'b", "C:\\a.bin", "\\\\host\\a.bin", "a\x7f"),
)


def stored(factory: FactoryServer) -> list[str]:
    folder: Path = factory.runtime.settings.data_dir / "artifacts"
    return [name for name in files_in(folder) if not name.startswith(".")]


def form(name: str, content: bytes = b"firmware", field: str = "file") -> bytes:
    head = f'Content-Disposition: form-data; name="{field}"; filename="{name}"\r\n\r\n'
    return b"--b\r\n" + head.encode() + content + b"\r\n--b--\r\n"


async def put(client: Client, content: bytes, kind: str = "multipart/form-data; boundary=b") -> Any:
    headers = {"content-type": kind}
    return await client.http.put(f"{KETTLE}/1.0.0/files", content=content, headers=headers)


@pytest.fixture
async def kettle(manager: Client) -> Client:
    await create(manager, "1.0.0")
    return manager


async def link(client: Client, name: str = "sketch.bin") -> str:
    return str(shown(await client.http.get(f"{KETTLE}/1.0.0/files/{name}/links"))["link"])


@pytest.mark.parametrize("name", GOOD)
async def test_good_names(factory: FactoryServer, kettle: Client, name: str) -> None:
    done(await put(kettle, form(name)))
    assert shown(await kettle.http.get(f"{KETTLE}/1.0.0"))["filename"] == name
    assert len(stored(factory)) == 1
    answer = await factory.client().http.get(await link(kettle, name))
    assert answer.content == b"firmware"
    assert answer.headers["content-disposition"] == f'attachment; filename="{name}"'


@pytest.mark.parametrize("name", BAD, ids=repr)
async def test_names_that_are_none(factory: FactoryServer, kettle: Client, name: str) -> None:
    before = await factory.contents()
    assert "a file's name" in refused(await put(kettle, form(name)), 400)
    assert await factory.contents() == before
    assert stored(factory) == []


@pytest.mark.parametrize(
    ("content", "message"),
    [
        (b"", "body: cut short"),
        (b"nonsense", "body: not a form"),
        (b"--b--\r\n", "file: Field required"),
        (form("a.bin", field="files"), "file: Field required"),
        (form("a.bin", b""), "body: an artifact has at least one byte"),
        (form("a.bin")[:-8], "body: cut short"),
        (form("a.bin") + b"more", None),
        (b'--b\r\nContent-Disposition: form-data; name="file"\r\n\r\nx\r\n--b--\r\n', "name is"),
        (b"--b\r\nX: " + b"y" * 10_000 + b"\r\n\r\nx\r\n--b--\r\n", "body: not a form"),
        (b"--b\r\n" + b"X: y\r\n" * 50 + b"\r\nx\r\n--b--\r\n", "body: not a form"),
    ],
    ids=lambda value: str(value)[:40],
)
async def test_forms_that_are_none(
    factory: FactoryServer, kettle: Client, content: bytes, message: str | None
) -> None:
    before = await factory.contents()
    answer = await put(kettle, content)
    if message is None:
        done(answer)
        return
    assert message in refused(answer, 400)
    assert await factory.contents() == before
    assert stored(factory) == []


@pytest.mark.parametrize(
    "kind",
    [
        "application/octet-stream",
        "multipart/form-data",
        "multipart/form-data; boundary=",
        "multipart/mixed; boundary=b",
        "application/x-www-form-urlencoded",
    ],
)
async def test_bodies_of_other_kinds(kettle: Client, kind: str) -> None:
    assert refused(await put(kettle, form("a.bin"), kind), 400).startswith("body: must be")


async def test_other_fields_are_left_alone(factory: FactoryServer, kettle: Client) -> None:
    files = [
        ("before", (None, b"x" * 70_000)),
        ("file", ("a.bin", CONTENT)),
        ("file", ("b.bin", b"another")),
    ]
    done(await kettle.http.put(f"{KETTLE}/1.0.0/files", files=files))
    assert (await factory.client().http.get(await link(kettle, "a.bin"))).content == CONTENT


async def test_a_large_file_comes_and_goes_whole(factory: FactoryServer, kettle: Client) -> None:
    done(await upload(kettle, "1.0.0", content=CONTENT))
    anybody = factory.client().http
    address = await link(kettle)
    answer = await anybody.get(address)
    assert (answer.content, len(CONTENT)) == (CONTENT, int(answer.headers["content-length"]))
    assert answer.headers["etag"] == f'"{hashlib.sha256(CONTENT).hexdigest()}"'
    part = await anybody.get(address, headers={"range": "bytes=100-199"})
    assert (part.status_code, part.content) == (206, CONTENT[100:200])
    outside = await anybody.get(address, headers={"range": f"bytes={len(CONTENT)}-"})
    refused(outside, 416)
    assert outside.headers["content-range"] == f"bytes */{len(CONTENT)}"


async def test_too_large_a_file(factory: FactoryServer, kettle: Client) -> None:
    before = await factory.contents()
    done(await upload(kettle, "1.0.0", "just.bin", b"x" * LIMIT))
    done(await (await factory.logged_in("admin")).http.delete(f"{KETTLE}/1.0.0/files/just.bin"))
    told = refused(await upload(kettle, "1.0.0", "a.bin", b"x" * (LIMIT + 1)), 400)
    assert told == "body: the artifact is too large"
    refused(await upload(kettle, "1.0.0", "a.bin", b"x" * (LIMIT + 70_000)), 413)
    assert stored(factory) == []
    assert (await factory.contents())["software_release"] == before["software_release"]


async def test_an_upload_that_is_cut_leaves_nothing(factory: FactoryServer, kettle: Client) -> None:
    head = (
        f"PUT {KETTLE}/1.0.0/files HTTP/1.1\r\nHost: a\r\nAuthorization: Bearer {kettle.token}\r\n"
        "Content-Type: multipart/form-data; boundary=b\r\nTransfer-Encoding: chunked\r\n"
        "Connection: close\r\n\r\n"
    )
    body = form("a.bin", CONTENT)[:-8]
    reply = await exchange(
        factory.port, head.encode(), f"{len(body):x}\r\n".encode() + body + b"\r\n0\r\n\r\n"
    )
    assert (reply.status, reply.json) == (400, {"message": "body: cut short"})
    assert stored(factory) == []


async def test_a_file_is_replaced_until_it_is_used(factory: FactoryServer, kettle: Client) -> None:
    done(await upload(kettle, "1.0.0", "a.bin", b"one"))
    old = await link(kettle, "a.bin")
    done(await upload(kettle, "1.0.0", "a.bin", b"two"))
    assert refused(await factory.client().http.get(old), 403).startswith("This link")
    assert (await factory.client().http.get(await link(kettle, "a.bin"))).content == b"two"
    done(await upload(kettle, "1.0.0", "b.bin", b"two"))
    assert refused(await kettle.http.get(f"{KETTLE}/1.0.0/files/a.bin/links"), 404)
    assert len(stored(factory)) == 1


async def test_a_file_goes_with_its_version(factory: FactoryServer, kettle: Client) -> None:
    admin = await factory.logged_in("admin")
    done(await upload(kettle, "1.0.0"))
    address = await link(kettle)
    done(await admin.http.delete(f"{KETTLE}/1.0.0"))
    refused(await factory.client().http.get(address), 403)
    assert stored(factory) == []


async def test_links_that_are_forged(factory: FactoryServer, kettle: Client) -> None:
    done(await upload(kettle, "1.0.0"))
    await create(kettle, "2.0.0")
    done(await upload(kettle, "2.0.0", content=b"secret"))
    other = shown(await kettle.http.get(f"{KETTLE}/2.0.0/files/sketch.bin/links"))["link"]
    good = await link(kettle)
    base, token, name = good.rsplit("/", 2)
    content, signature = token.split(".")
    theirs = other.rsplit("/", 2)[1].split(".")
    macs = factory.runtime.services.identity.macs
    said = signing.read(macs, PURPOSE, token)
    forged = [
        f"{theirs[0]}.{signature}",
        f"{content}.{theirs[1]}",
        f"{content}.{'0' * 64}",
        f"{content}.{signature[:-1]}",
        content,
        signing.sign(macs, "another purpose", said),
        signing.sign(macs, PURPOSE, said | {signing.EXPIRES: 1}),
        signing.sign(macs, PURPOSE, said | {"release_id": "0" * 32}),
        signing.sign(macs, PURPOSE, said | {"customer_id": said["customer_id"] + 1}),
        "9" * 200,
        "%00",
    ]
    anybody = factory.client().http
    for one in forged:
        told = refused(await anybody.get(f"{base}/{one}/{name}"), 403)
        assert told == "This link is not or no longer good"
    refused(await anybody.get(f"{base}/{token}/other.bin"), 403)
    refused(await anybody.get(f"{base}/{token}/{name}/more"), 404)
    answer = await anybody.put(good)
    refused(answer, 405)
    assert answer.headers["allow"] == "GET"
    assert (await anybody.get(good)).status_code == 200


async def test_a_link_expires(factory: FactoryServer, kettle: Client) -> None:
    clock = set_clock(factory)
    done(await upload(kettle, "1.0.0"))
    address = await link(kettle)
    clock.advance(899)
    assert (await factory.client().http.get(address)).status_code == 200
    clock.advance(1)
    refused(await factory.client().http.get(address), 403)
    assert (await factory.client().http.get(await link(kettle))).status_code == 200


async def test_a_neighbour_is_linked_to_nothing_of_ours(
    factory: FactoryServer, kettle: Client
) -> None:
    done(await upload(kettle, "1.0.0"))
    stranger = await neighbour(factory)
    refused(await stranger.http.get(f"{KETTLE}/1.0.0/files/sketch.bin/links"), 404)
    await create(stranger, "1.0.0")
    done(await upload(stranger, "1.0.0", content=b"theirs"))
    anybody = factory.client().http
    assert (await anybody.get(await link(stranger))).content == b"theirs"
    assert (await anybody.get(await link(kettle))).content == b"firmware"


async def test_uploads_at_once_end_with_one_file(each_factory: FactoryServer) -> None:
    client = await each_factory.logged_in("manager")
    await create(client, "1.0.0")
    names = [f"{place}.bin" for place in range(6)]
    answers = await asyncio.gather(
        *(upload(client, "1.0.0", name, name.encode() * 1_000) for name in names)
    )
    assert {answer.status_code for answer in answers} == {204}
    name = shown(await client.http.get(f"{KETTLE}/1.0.0"))["filename"]
    content = (await each_factory.client().http.get(await link(client, name))).content
    assert re.fullmatch(f"({re.escape(name)})+", content.decode())
    assert len(stored(each_factory)) == 1

"""Every example of the document, as it stands there."""

import gzip
import json
import sqlite3
import time
from email.message import Message
from pathlib import Path

import pytest

from compat_rest.ontakt.presenter import timestamp
from tests.support.factory import FactoryServer
from tests.support.ontakt import KEY, LEVELS, Caller, caller, error, ok, saved, with_role


async def test_check_api_access(admin: Caller) -> None:
    assert ok(await admin.get()) == {
        "application": "OnTakt",
        "version": "4.8.7",
        "user": {"access_level": "admin", "username": "admin"},
    }


@pytest.mark.parametrize(("role", "level"), LEVELS.items())
async def test_four_levels(factory: FactoryServer, role: str, level: str) -> None:
    shown = ok(await (await with_role(factory, role)).get())
    assert shown["user"] == {"access_level": level, "username": role}


async def test_the_api_key_of_the_options_window(factory: FactoryServer) -> None:
    shown = ok(await caller(factory, KEY).get())
    assert shown["user"] == {"access_level": "admin", "username": "Demo key"}


async def test_a_session_token_from_the_login(factory: FactoryServer) -> None:
    body = {"username": "auditor", "password": "auditor123", "unknown": [1]}
    made = ok(await caller(factory, None).post("login", body))
    assert made.keys() == {"token", "user"}
    assert made["user"] == {"access_level": "auditor", "username": "auditor"}
    shown = ok(await caller(factory, made["token"]).get())
    assert shown["user"] == made["user"]


@pytest.mark.parametrize(
    ("body", "status"),
    [
        ({"username": "admin", "password": "wrong"}, 401),
        ({"username": "nobody", "password": "wrong"}, 401),
        ({"username": "admin"}, 400),
        ({"username": 1, "password": "admin123"}, 400),
        ({"username": "a\0b", "password": "x"}, 400),
        ([], 400),
        (None, 400),
    ],
)
async def test_a_login_that_is_none(factory: FactoryServer, body: object, status: int) -> None:
    answer = await caller(factory, None).post("login", body)
    assert error(answer, status).keys() == {"error"}
    assert (answer.headers.get("www-authenticate") == "X-Auth-Token") is (status == 401)


async def test_restart(factory: FactoryServer, admin: Caller) -> None:
    answer = await admin.post("restart")
    assert (answer.status_code, answer.content) == (204, b"")
    assert factory.runtime.own_process.asked.is_set()
    told = await (await factory.logged_in("admin")).ask(
        '{ auditLog(filter: {action: "installation.restart_asked"}) {'
        " edges { node { action entityType actor { username } } } }"
        " events(first: 1) { edges { node { message severity } } } }"
    )
    assert told["auditLog"]["edges"][0]["node"] == {
        "action": "installation.restart_asked",
        "entityType": "installation",
        "actor": {"username": "admin"},
    }
    assert told["events"]["edges"][0]["node"] == {
        "message": "admin restarts the service",
        "severity": "WARNING",
    }


@pytest.mark.parametrize("factory_settings", [{"supervised": False}])
async def test_a_service_that_cannot_restart_itself(factory: FactoryServer, admin: Caller) -> None:
    before = await factory.contents()
    error(await admin.post("restart"), 501)
    assert await factory.contents() == before
    assert not factory.runtime.own_process.asked.is_set()


async def test_backup(factory: FactoryServer, admin: Caller, tmp_path: Path) -> None:
    answer = await admin.post("backup")
    assert answer.status_code == 200
    assert answer.headers["content-type"] == "application/octet-stream"
    assert len(answer.content) == int(answer.headers["content-length"])
    name = file_name(answer.headers["content-disposition"])
    assert name.startswith("factory-")
    assert name.endswith(".db")
    copy = sqlite3.connect(await saved(answer, tmp_path / name))
    assert copy.execute("PRAGMA integrity_check").fetchall() == [("ok",)]
    assert copy.execute("SELECT username FROM user_account ORDER BY username").fetchall() == [
        ("admin",),
        ("auditor",),
        ("manager",),
        ("operator",),
    ]
    copy.close()
    assert nothing_stays(factory)


def file_name(disposition: str) -> str:
    header = Message()
    header["content-disposition"] = disposition
    assert header.get_content_disposition() == "attachment"
    return str(header.get_filename())


def nothing_stays(factory: FactoryServer) -> bool:
    folder = factory.runtime.settings.backups
    return [one.name for one in folder.iterdir()] == [".lock"]


TRUE = ["1", "true", "on", "yes", "y", "checked", "TRUE", "Yes", "CHECKED"]
FALSE = ["0", "false", "off", "no", "n", "", "2", "truee", "unchecked", "null", "11"]


async def test_boolean_words(admin: Caller) -> None:
    for word in TRUE + FALSE:
        answer = await admin.post(f"backup?compress={word}")
        name = file_name(answer.headers["content-disposition"])
        assert name.endswith(".db.gz" if word in TRUE else ".db"), word
        content = gzip.decompress(answer.content) if word in TRUE else answer.content
        assert content.startswith(b"SQLite format 3\0")


async def test_unknown_parameters_are_ignored(admin: Caller) -> None:
    assert (await admin.post("backup?unknown=1&compress")).status_code == 200


def test_times_are_seconds_with_decimals() -> None:
    assert timestamp(1_700_000_000_250_000) == 1_700_000_000.25
    assert int(timestamp(round(time.time() * 1e6))) == pytest.approx(time.time(), abs=5)


@pytest.mark.parametrize(
    ("method", "path", "status"),
    [
        ("GET", "/ontakt/api/none", 404),
        ("GET", "/ontakt/", 404),
        ("DELETE", "/ontakt/api/", 405),
        ("GET", "/ontakt/api/backup", 405),
        ("GET", "/ontakt/api/restart", 405),
    ],
)
async def test_what_is_not_there(
    factory: FactoryServer, method: str, path: str, status: int
) -> None:
    answer = await factory.client().http.request(method, path)
    error(answer, status)
    assert ("allow" in answer.headers) is (status == 405)


async def test_a_body_that_is_no_json(factory: FactoryServer) -> None:
    headers = {"content-type": "application/json"}
    http = factory.client().http
    answer = await http.post("/ontakt/api/login", content=b"{", headers=headers)
    assert "JSON" in error(answer, 400)["error"]


async def test_its_description(factory: FactoryServer) -> None:
    http = factory.client().http
    document = (await http.get("/ontakt/openapi.json")).json()
    assert document["components"]["securitySchemes"] == {
        "token": {"type": "apiKey", "in": "header", "name": "X-Auth-Token"}
    }
    assert "501" in document["paths"]["/api/restart"]["post"]["responses"]
    assert json.dumps(document).count("operationId") == 4
    assert "OnTakt" in (await http.get("/ontakt/docs")).text

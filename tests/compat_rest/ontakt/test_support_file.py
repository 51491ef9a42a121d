"""A 500 comes as a file for support: what ran and what it did, and nothing that is secret."""

import json
import logging
from typing import Any

import pytest
import structlog
from sqlalchemy import text

from oktograph.recent import MOST, RecentLines
from tests.support.factory import FactoryServer
from tests.support.ontakt import Caller, caller, with_role

SECRET = "hunter2-is-nobody-s-business"


@pytest.fixture
async def broken(factory: FactoryServer) -> FactoryServer:
    """Rows that no program of ours has written: an audit that ends with no text, a role that is
    none."""
    admin = await factory.logged_in("admin")
    await admin.ask('mutation { recordEvent(input: {message: "a note"}) { id } }')
    async with factory.database.engine.begin() as connection:
        await connection.execute(text("UPDATE audit_entry SET hash = x'ff00'"))
        operator = "UPDATE user_account SET role = 'WIZARD' WHERE username = 'operator'"
        await connection.execute(text(operator))
    return factory


async def defect(who: Caller) -> tuple[Any, Any]:
    answer = await who.post("restart")
    assert answer.status_code == 500
    assert answer.headers["content-type"] == "application/json"
    return answer, answer.json()


async def test_it_is_an_attachment(broken: FactoryServer) -> None:
    logging.getLogger("somewhere").warning("it began with %s", SECRET)
    answer, body = await defect(await with_role(broken, "admin"))
    request_id = answer.headers["x-request-id"]
    assert answer.headers["content-disposition"] == (
        f'attachment; filename="ontakt-support-{request_id}.json"'
    )
    assert body["error"] == "Internal server error"
    assert (body["application"], body["version"]) == ("OnTakt", "4.8.7")
    assert body["correlation_id"] == request_id
    assert isinstance(body["time"], float)
    assert body["software"].keys() == {"oktograph", "python", "system", "started_at"}
    events = [line["event"] for line in body["log"]]
    assert "it began with %s" in events
    assert SECRET not in answer.text


async def test_nobody_learns_nothing(broken: FactoryServer) -> None:
    body = {"username": "operator", "password": SECRET}
    answer = await caller(broken, None).post("login", body)
    assert answer.status_code == 500
    assert answer.headers["content-disposition"].startswith("attachment")
    found = answer.json()
    assert found.keys() == {"error", "application", "version", "correlation_id", "time"}
    assert SECRET not in answer.text


def lines_of(write: Any) -> list[dict[str, Any]]:
    recent, root = RecentLines(), logging.getLogger("of this test")
    root.addHandler(recent)
    try:
        write(root)
    finally:
        root.removeHandler(recent)
    return recent.lines()


def test_lines_hold_words_and_no_values() -> None:
    def write(logger: logging.Logger) -> None:
        logger.warning("told %s", SECRET, extra={"password": SECRET})
        event = {"event": "login refused", "password": SECRET, "correlation_id": "c-1"}
        logger.error(event)
        try:
            raise ValueError(SECRET)
        except ValueError as error:
            logger.exception("failed")
            logger.error({"event": "failed", "exc_info": error, "path": "/api/"})

    found = lines_of(write)
    assert SECRET not in json.dumps(found)
    assert [line["event"] for line in found] == ["told %s", "login refused", "failed", "failed"]
    assert found[1]["correlation_id"] == "c-1"
    assert found[3]["path"] == "/api/"
    for line in found[2:]:
        assert line["error"] == "ValueError"
        assert line["places"][0].startswith("test_support_file.py:")


def test_the_oldest_lines_go() -> None:
    def write(logger: logging.Logger) -> None:
        for number in range(MOST + 5):
            logger.warning("line " + str(number))  # noqa: G003 - arguments are not kept

    found = lines_of(write)
    assert [found[0]["event"], found[-1]["event"]] == ["line 5", f"line {MOST + 4}"]


def test_our_own_loggers_lines_are_among_them() -> None:
    def write(logger: logging.Logger) -> None:
        wrapped = structlog.wrap_logger(
            logger,
            processors=[structlog.stdlib.ProcessorFormatter.wrap_for_formatter],
            wrapper_class=structlog.stdlib.BoundLogger,
        )
        wrapped.error("backup failed", output=SECRET)

    [line] = lines_of(write)
    assert line["event"] == "backup failed"
    assert SECRET not in json.dumps(line)

"""`oktograph simulate edges`, as a person runs it."""

import asyncio
import os
import signal
import sys

from tests.support.factory import FactoryServer
from tests.support.simulated import until, url_of

COUNTED = "{ overview { devicesOnline } bottles(first: 1) { totalCount } }"


async def test_edges_until_ctrl_c(sqlite_factory: FactoryServer) -> None:
    admin = await sqlite_factory.logged_in("admin")

    async def online() -> int:
        return int((await admin.ask(COUNTED))["overview"]["devicesOnline"])

    process = await _started(sqlite_factory, "manager123")
    try:
        await until(online, 3)
    finally:
        process.send_signal(signal.SIGINT)
        printed, _ = await process.communicate()
    assert process.returncode == 0
    lines = printed.decode().splitlines()
    assert lines[0].startswith("3 edges, sim-001 to sim-003, at")
    assert lines[-1] == "stopped"
    stored = (await admin.ask(COUNTED))["bottles"]["totalCount"]
    assert f"delivered {stored:,} · waiting 0" in " ".join(lines)


async def test_a_wrong_password_ends_it_with_a_word(sqlite_factory: FactoryServer) -> None:
    process = await _started(sqlite_factory, "wrong-password")
    printed, said = await process.communicate()
    assert (process.returncode, printed) == (1, b"")
    assert said.decode().strip() == "Invalid username or password"
    assert (await sqlite_factory.contents())["device"] == []


async def _started(factory: FactoryServer, password: str) -> asyncio.subprocess.Process:
    arguments = ("simulate", "edges", "--factory", url_of(factory), "--count", "3", "--rate", "20")
    return await asyncio.create_subprocess_exec(
        *(sys.executable, "-m", "oktograph", *arguments),
        env=os.environ | {"OKTOGRAPH_SIMULATE_PASSWORD": password, "COLUMNS": "300"},
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.PIPE,
    )

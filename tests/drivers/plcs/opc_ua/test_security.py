"""Who may come in and how: policies, users, and certificates on both sides."""

import asyncio
import shutil
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import pytest

from domain.kernel.errors import UpstreamFailed
from drivers.link import LinkState
from drivers.plcs.opc_ua import certificates
from tests.support.opc_ua import OpcUaPeer, simulated
from tests.support.plcs import PlcRig, plc_rig, running
from tests.support.waiting import DEADLINE_S, eventually

POLICIES = ("BASIC256SHA256", "AES128_SHA256_RSAOAEP", "AES256_SHA256_RSAPSS")
MODES = ("SIGN", "SIGN_AND_ENCRYPT")
USERS = [
    {"name": "line", "password": "correct horse"},
    {"name": "visitor", "password": "battery staple", "may_write": False},
]
LINE = {"username": "line", "password": "correct horse"}


@pytest.fixture(scope="module")
def pki(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """`server` and `edge` with a certificate each, and `stranger`, of neither."""
    place = tmp_path_factory.mktemp("pki")
    for name in ("server", "edge", "stranger"):
        certificates.own(str(place / name))
    return place


def own(pki: Path, who: str) -> str:
    return str(pki / who / certificates.CERTIFICATE_FILE)


@asynccontextmanager
async def secured(
    pki: Path, *, simulator: dict[str, Any] | None = None, connect: bool = True, **settings: Any
) -> AsyncIterator[PlcRig]:
    """A server with every policy and no anonymous user, and an edge that has the settings."""
    endpoints = [{"policy": policy, "mode": mode} for policy in POLICIES for mode in MODES]
    config = {
        "endpoints": [{"policy": "NONE"}, *endpoints],
        "certificate_folder": str(pki / "server"),
        "allows_anonymous": False,
        "users": USERS,
    }
    given = {"security_policy": POLICIES[0], "certificate_folder": str(pki / "edge"), **LINE}
    peer = OpcUaPeer(simulated(**{**config, **(simulator or {})}), **{**given, **settings})
    # Keys and signatures take a processor's time that tests have to share.
    patient = {"timeout_s": 2.0, "connect_timeout_s": 5.0}
    async with running(peer), plc_rig(peer, connect=connect, settings=patient) as rig:
        yield rig


async def faulted(rig: PlcRig) -> str:
    """Why; after one attempt, and nothing was told as GOOD."""
    await rig.state(LinkState.FAULTED)
    assert rig.task.snapshot().attempts == 1
    assert rig.states() == [LinkState.CONNECTING, LinkState.FAULTED]
    assert rig.told.values == []
    return str(rig.task.snapshot().last_error)


@pytest.mark.parametrize("mode", MODES)
@pytest.mark.parametrize("policy", POLICIES)
async def test_every_policy_reads_and_writes(pki: Path, policy: str, mode: str) -> None:
    pinned: dict[str, Any] = {"trusted_certificate_path": own(pki, "server")}
    async with secured(pki, security_policy=policy, security_mode=mode, **pinned) as rig:
        assert (await rig.plc.write("reject", True)).value is True
        assert await rig.peer.get("reject") is True
        await rig.peer.put("count", 11)
        await rig.told.has("count", 11)


async def test_a_user_without_a_policy(pki: Path) -> None:
    """The password goes encrypted all the same, where the server has a certificate."""
    async with secured(pki, security_policy="NONE") as rig:
        await rig.plc.write("reject", True)
        assert await rig.peer.get("reject") is True


async def test_a_user_who_may_only_look(pki: Path) -> None:
    async with secured(pki, username="visitor", password="battery staple") as rig:
        with pytest.raises(UpstreamFailed, match="BadUserAccessDenied"):
            await rig.plc.write("reject", True)
        assert await rig.peer.get("reject") is False
        assert (await rig.plc.read(["count"]))[0].value == 7
        assert LinkState.LOST not in rig.states()


@pytest.mark.parametrize("policy", ["NONE", POLICIES[0]])
@pytest.mark.parametrize(
    "user",
    [
        {"username": "line", "password": "wrong"},
        {"username": "nobody", "password": "correct horse"},
        {"username": None, "password": None},
    ],
)
async def test_a_refused_user_is_not_tried_again(
    pki: Path, policy: str, user: dict[str, Any]
) -> None:
    """Again and again would lock the account."""
    async with secured(pki, connect=False, security_policy=policy, **user) as rig:
        reason = await faulted(rig)
        assert str(user["username"] or "anonymous") in reason
        assert "wrong" not in reason
        assert isinstance(rig.peer, OpcUaPeer)
        await rig.peer.simulator.sessions(0)


async def test_a_server_that_is_not_trusted(pki: Path) -> None:
    wrong = own(pki, "stranger")
    async with secured(pki, connect=False, trusted_certificate_path=wrong) as rig:
        reason = await faulted(rig)
        shown = certificates.fingerprint((pki / "server/application.der").read_bytes()).hex()
        assert shown in reason


async def test_a_folder_of_trusted_servers(pki: Path, tmp_path: Path) -> None:
    for who in ("stranger", "server"):
        shutil.copy(own(pki, who), tmp_path / f"{who}.der")
    async with secured(pki, trusted_certificate_path=str(tmp_path)) as rig:
        await rig.plc.write("reject", True)


async def test_an_edge_that_is_not_trusted_yet(pki: Path, tmp_path: Path) -> None:
    """The usual way to set one up: it is tried again until somebody trusts it at the controller."""
    trusting = {"trusted_certificate_path": str(tmp_path)}
    async with secured(pki, simulator=trusting, connect=False) as rig:
        await rig.state(LinkState.LOST)
        await eventually(lambda: rig.task.snapshot().attempts > 2)
        assert "BadCertificateUntrusted" in str(rig.task.snapshot().last_error)
        back = rig.task.expect(LinkState.CONNECTED)
        await asyncio.to_thread(shutil.copy, own(pki, "edge"), tmp_path)
        await asyncio.wait_for(back, DEADLINE_S)


@pytest.mark.parametrize(
    ("offered", "wanted"),
    [
        ([{"policy": "NONE"}], {"security_policy": POLICIES[0]}),
        ([{"policy": POLICIES[0], "mode": "SIGN"}], {"security_policy": POLICIES[0]}),
        ([{"policy": POLICIES[0]}], {"security_policy": "NONE"}),
    ],
)
async def test_a_policy_that_is_not_offered(
    pki: Path, offered: list[dict[str, str]], wanted: dict[str, Any]
) -> None:
    async with secured(pki, simulator={"endpoints": offered}, connect=False, **wanted) as rig:
        reason = await faulted(rig)
        assert f"no endpoint with {wanted['security_policy']}" in reason


async def test_a_certificate_that_is_not_there(pki: Path, tmp_path: Path) -> None:
    files: dict[str, Any] = {
        "certificate_path": str(tmp_path / "own.der"),
        "private_key_path": str(tmp_path / "own.pem"),
    }
    async with secured(pki, connect=False, **files) as rig:
        assert "own.der" in await faulted(rig)

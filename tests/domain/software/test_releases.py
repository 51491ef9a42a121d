"""Releases and their bytes: uploaded whole or not at all, once, and never lost while in use."""

import asyncio
import base64
import os
import time
from collections.abc import AsyncIterator
from hashlib import sha256
from pathlib import Path

import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from domain.kernel.database import Database
from domain.kernel.errors import Conflict, DomainError, Forbidden, NotFound, ValidationFailed
from domain.kernel.ids import new_id
from domain.kernel.permissions import Role
from domain.kernel.tail import LogTail
from domain.kernel.uow import Transactions
from domain.software.commands import (
    ChangePath,
    CreateRelease,
    Deploy,
    FindPath,
    ReleaseFilter,
    UploadArtifact,
    UploadRelease,
)
from domain.software.models import ReleaseState
from domain.software.ports import SoftwareSettings
from domain.software.rules.ranges import Unsatisfiable
from domain.software.uploads import sweep_artifacts
from drivers.artifacts.signatures import TrustedKeys
from graph.software import resolvers
from tests.support.databases import new_customer
from tests.support.log import facts
from tests.support.software import Factory, files_in, open_factory, stream

BODY = os.urandom(300_000)


async def collected(factory: Factory, release_id: str, **headers: str | None) -> bytes:
    given = {"range_header": None, "if_range": None} | headers
    found = await resolvers.download_artifact(factory.context(), release_id, **given)
    return b"".join([chunk async for chunk in found.chunks])


async def everything(factory: Factory, artifacts: Path) -> tuple[object, ...]:
    """To tell that nothing changed."""
    count = await resolvers.count_releases(factory.context(), ReleaseFilter())
    return count, await facts(factory.database, "software"), list(files_in(artifacts))


async def test_an_upload_is_stored_whole_with_its_digest(factory: Factory) -> None:
    row = await factory.upload("2.0.0", BODY)
    assert (row.size_bytes, row.sha256) == (len(BODY), sha256(BODY).hexdigest())
    assert (row.application, row.state) == ("edge", ReleaseState.PUBLISHED)
    assert await collected(factory, row.id) == BODY
    assert [one.kind for one in await facts(factory.database, "software")] == [
        "application.created",
        "release.created",
        "release.artifact_uploaded",
        "release.state_changed",
    ]


async def test_downloads_resume_by_range(factory: Factory) -> None:
    row = await factory.upload("2.0.0", BODY)
    head = await collected(factory, row.id, range_header="bytes=0-99999")
    tag = f'"{row.sha256}"'
    tail = await collected(factory, row.id, range_header="bytes=100000-", if_range=tag)
    assert head + tail == BODY
    other = await collected(factory, row.id, range_header="bytes=100000-", if_range='"old"')
    assert other == BODY
    with pytest.raises(Unsatisfiable):
        await collected(factory, row.id, range_header=f"bytes={len(BODY)}-")


async def test_an_upload_cut_half_way_leaves_nothing(factory: Factory, artifacts: Path) -> None:
    async def cut() -> AsyncIterator[bytes]:
        for _ in range(12):
            yield bytes(1_000_000)
        raise ConnectionResetError

    before = await everything(factory, artifacts)
    command = UploadRelease.of(version="2.0.0", filename="fw.bin")
    with pytest.raises(ConnectionResetError):
        await resolvers.upload_release(factory.context(), command, cut())
    assert await everything(factory, artifacts) == before


async def test_an_uploader_that_goes_away_leaves_nothing(factory: Factory, artifacts: Path) -> None:
    begun = asyncio.Event()

    async def endless() -> AsyncIterator[bytes]:
        for _ in range(8):
            yield bytes(1_000_000)
        begun.set()
        await asyncio.Event().wait()
        yield b""

    before = await everything(factory, artifacts)
    command = UploadRelease.of(version="2.0.0", filename="fw.bin")
    task = asyncio.create_task(resolvers.upload_release(factory.context(), command, endless()))
    await begun.wait()
    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await task
    async with asyncio.timeout(10):
        while await everything(factory, artifacts) != before:  # noqa: ASYNC110
            await asyncio.sleep(0.01)


async def test_an_upload_over_the_limit_leaves_nothing(
    database: Database, transactions: Transactions, tail: LogTail, customer_id: int, artifacts: Path
) -> None:
    settings = SoftwareSettings(max_artifact_bytes=1_000)
    factory = await open_factory(
        database, transactions, tail, customer_id, artifacts, settings=settings
    )
    before = await everything(factory, artifacts)
    with pytest.raises(ValidationFailed):
        await factory.upload("2.0.0", bytes(1_001))
    assert await everything(factory, artifacts) == before
    assert (await factory.upload("2.0.0", bytes(1_000))).size_bytes == 1_000
    with pytest.raises(ValidationFailed):
        await factory.upload("2.0.1", b"")


@pytest.mark.parametrize(
    "name",
    [
        "",
        ".",
        "..",
        "../fw.bin",
        "a/b",
        "a\\b",
        "/etc/passwd",
        "fw bin",
        "fw\0",
        "é.bin",
        "a" * 129,
    ],
)
def test_names_that_are_paths_or_worse(name: str) -> None:
    with pytest.raises(ValidationFailed):
        UploadRelease.of(version="2.0.0", filename=name)


@pytest.mark.parametrize("name", ["fw.bin", "..fw", "-rf", "A_1.tar.gz", "a" * 128])
def test_names_that_are_none(name: str) -> None:
    assert UploadRelease.of(version="2.0.0", filename=name).filename == name


async def test_a_version_is_uploaded_once(factory: Factory, artifacts: Path) -> None:
    first = await factory.upload("2.0.0", b"one")
    before = await everything(factory, artifacts)
    with pytest.raises(Conflict):
        await factory.upload("2.0.0", b"two")
    assert await everything(factory, artifacts) == before
    assert await collected(factory, first.id) == b"one"


async def test_two_uploads_of_one_version_race_and_one_wins(
    factory: Factory, artifacts: Path
) -> None:
    """Both are past the early look when the first is stored: the database decides."""
    both = asyncio.Barrier(2)

    async def together(body: bytes) -> AsyncIterator[bytes]:
        await both.wait()
        yield body

    async def upload(body: bytes) -> object:
        command = UploadRelease.of(version="2.0.0", filename="fw.bin")
        try:
            return await resolvers.upload_release(factory.context(), command, together(body))
        except DomainError as error:
            return error

    ended = await asyncio.gather(upload(b"one"), upload(b"two"))
    assert sorted(type(one).__name__ for one in ended) == ["Conflict", "ReleaseRow"]
    assert len(list(files_in(artifacts))) == 1
    page = await resolvers.count_releases(factory.context(), ReleaseFilter())
    assert page == 1


async def test_a_draft_gets_its_bytes_once(factory: Factory, artifacts: Path) -> None:
    command = CreateRelease.of(application="kettle", version="1.2.3", upgradable_from=("1.2.2",))
    draft = await resolvers.create_release(factory.context(), command)
    assert (draft.state, draft.sha256) == (ReleaseState.DRAFT, None)
    upload = UploadArtifact.of(release_id=draft.id, filename="sketch.bin")
    wrong = UploadArtifact.of(release_id=draft.id, filename="sketch.bin", sha256="0" * 64)
    with pytest.raises(ValidationFailed):
        await resolvers.upload_artifact(factory.context(), wrong, stream(BODY))
    assert not list(files_in(artifacts))
    row = await resolvers.upload_artifact(factory.context(), upload, stream(BODY))
    assert row.state is ReleaseState.DRAFT
    with pytest.raises(Conflict):
        await resolvers.upload_artifact(factory.context(), upload, stream(BODY))
    with pytest.raises(NotFound):
        await resolvers.download_artifact(factory.device(new_id()), row.id, None, None)
    await resolvers.publish_release(factory.context(), row.id)
    found = await resolvers.download_artifact(factory.device(new_id()), row.id, None, None)
    assert b"".join([chunk async for chunk in found.chunks]) == BODY


async def test_signatures_are_checked_at_the_upload(
    database: Database, transactions: Transactions, tail: LogTail, customer_id: int, artifacts: Path
) -> None:
    key, other = Ed25519PrivateKey.generate(), Ed25519PrivateKey.generate()
    trusted = TrustedKeys({"k1": key.public_key().public_bytes_raw()})
    factory = await open_factory(
        database,
        transactions,
        tail,
        customer_id,
        artifacts,
        signatures=trusted,
        settings=SoftwareSettings(require_signature=True),
    )

    def signed(by: Ed25519PrivateKey, body: bytes, key_id: str | None = "k1") -> UploadRelease:
        signature = base64.b64encode(by.sign(sha256(body).digest())).decode()
        return UploadRelease.of(
            version="2.0.0", filename="fw.bin", signature=signature, key_id=key_id
        )

    bad = [
        signed(other, BODY),
        signed(key, BODY, "k2"),
        signed(key, b"something else"),
        UploadRelease.of(version="2.0.0", filename="fw.bin"),
    ]
    before = await everything(factory, artifacts)
    for command in bad:
        with pytest.raises(ValidationFailed):
            await resolvers.upload_release(factory.context(), command, stream(BODY))
    assert await everything(factory, artifacts) == before
    row = await resolvers.upload_release(factory.context(), signed(key, BODY, None), stream(BODY))
    assert row.signature == signed(key, BODY).signature


async def test_a_release_in_use_is_not_deleted(factory: Factory, artifacts: Path) -> None:
    (device,) = await factory.add_devices(1)
    row = await factory.upload()
    admin = factory.context(Role.ADMIN)
    done = await resolvers.deploy(
        factory.context(), Deploy.of(release_id=row.id, device_ids=(device,))
    )
    with pytest.raises(Conflict):
        await resolvers.delete_release(admin, row.id)
    await resolvers.cancel_rollout(factory.context(), done.rollout.id)
    await factory.sweeper().sweep()
    await factory.set_version(device, "2.0.0")
    with pytest.raises(Conflict):
        await resolvers.delete_release(admin, row.id)
    await factory.set_version(device, "3.0.0")
    await resolvers.delete_release(admin, row.id)
    assert await resolvers.release(admin, row.id) is None
    assert not list(files_in(artifacts))
    kept = await resolvers.rollout(admin, done.rollout.id)
    assert kept is not None
    assert kept.version == "2.0.0"
    await factory.upload("2.0.0", b"again")


async def test_what_a_crash_leaves_is_swept(factory: Factory, artifacts: Path) -> None:
    row = await factory.upload()
    orphan, part = artifacts / "releases" / new_id(), artifacts / "incoming" / f"{new_id()}#1"
    part.parent.mkdir(exist_ok=True)
    for path in (orphan, part):
        path.write_bytes(b"left over")
    services = factory.services.software
    assert services is not None
    assert await sweep_artifacts(factory.database, services) == 0
    old_s = time.time() - 2 * 86_400
    for name in files_in(artifacts):
        os.utime(artifacts / name, (old_s, old_s))
    assert await sweep_artifacts(factory.database, services) == 2
    assert await collected(factory, row.id) == b"firmware"
    assert len(list(files_in(artifacts))) == 1


async def test_the_graph_of_upgrades(factory: Factory) -> None:
    context = factory.context()
    for version in ("1.1.0", "1.2.0", "2.0.0"):
        await factory.upload(version)
    rows = {
        version: await resolvers.release_by_version(context, "edge", version)
        for version in ("1.1.0", "1.2.0", "2.0.0")
    }
    ids = {version: row.id for version, row in rows.items() if row is not None}

    async def path(*ends: str | None) -> list[str] | None:
        command = FindPath.of(application="edge", from_version=ends[0], to_version=ends[1])
        found = await resolvers.upgrade_path(context, command)
        return None if found is None else [row.version for row in found]

    assert await path("1.0.0", "2.0.0") == ["2.0.0"]  # no way leads into it: from anywhere
    for start, end in (
        ("1.0.0", "1.1.0"),
        ("1.1.0", "1.2.0"),
        ("1.2.0", "2.0.0"),
        ("2.0.0", "1.1.0"),
    ):
        command = ChangePath.of(release_id=ids[end], from_version=start)
        edge = await resolvers.add_upgrade_path(context, command)
        assert edge.is_downgrade is (start == "2.0.0")
        await resolvers.add_upgrade_path(context, command)
    assert await path("1.0.0", "2.0.0") == ["1.1.0", "1.2.0", "2.0.0"]
    assert await path("1.0.0", None) == ["1.1.0", "1.2.0", "2.0.0"]
    assert await path("2.0.0", None) == []
    assert await path("2.0.0", "1.2.0") == ["1.1.0", "1.2.0"]
    assert await path("0.9.0", "2.0.0") is None
    await resolvers.suspend_release(context, ids["1.2.0"])
    assert await path("1.0.0", "2.0.0") is None
    with pytest.raises(ValidationFailed):
        await resolvers.add_upgrade_path(
            context, ChangePath.of(release_id=ids["2.0.0"], from_version="2.0.0")
        )
    removed = ChangePath.of(release_id=ids["2.0.0"], from_version="1.2.0")
    await resolvers.remove_upgrade_path(context, removed)
    with pytest.raises(NotFound):
        await resolvers.remove_upgrade_path(context, removed)


async def test_who_may_what(factory: Factory, artifacts: Path) -> None:
    row = await factory.upload()
    before = await everything(factory, artifacts)
    for role in (Role.OPERATOR, Role.AUDITOR):
        context = factory.context(role)
        assert await resolvers.release(context, row.id) == row
        with pytest.raises(Forbidden):
            await resolvers.suspend_release(context, row.id)
        command = UploadRelease.of(version="3.0.0", filename="fw.bin")
        with pytest.raises(Forbidden):
            await resolvers.upload_release(context, command, stream(b"x"))
        with pytest.raises(Forbidden):
            await resolvers.deploy(context, Deploy.of(release_id=row.id, device_ids=("x",)))
    with pytest.raises(Forbidden):
        await resolvers.delete_release(factory.context(Role.MANAGER), row.id)
    assert await everything(factory, artifacts) == before


async def test_another_customer_sees_nothing(factory: Factory, artifacts: Path) -> None:
    row = await factory.upload()
    other = await new_customer(factory.database, "Dairy Two")
    eve = Factory(other, factory.services).context(Role.ADMIN)
    before = await everything(factory, artifacts)
    assert await resolvers.release(eve, row.id) is None
    assert await resolvers.count_releases(eve, ReleaseFilter()) == 0
    with pytest.raises(NotFound):
        await resolvers.download_artifact(eve, row.id, None, None)
    for act in (resolvers.delete_release, resolvers.suspend_release, resolvers.publish_release):
        with pytest.raises(NotFound):
            await act(eve, row.id)
    assert await everything(factory, artifacts) == before

"""Updates of an edge, from the start of a rollout to the version that its factory hears of."""

import base64
import io
import os
import sys
import tarfile
from hashlib import sha256
from pathlib import Path
from typing import Any

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from domain.fleet.models import CommandState, CommandType
from domain.kernel.ids import new_id
from domain.software.commands import CreateRollout
from domain.software.models import RolloutState, TargetState
from domain.software.rows import RolloutProgress, TargetRow
from graph.software import resolvers as software
from oktograph.edge.software_folder import SoftwareFolder, hooks
from tests.edge.conftest import Site, connected, entries
from tests.support.waiting import eventually
from tests.support.whole_factory import listening

UPDATE = CommandType.UPDATE_FIRMWARE


def archive(content: bytes) -> bytes:
    made = io.BytesIO()
    with tarfile.open(fileobj=made, mode="w:gz") as packed:
        member = tarfile.TarInfo("bin/edge")
        member.size = len(content)
        packed.addfile(member, io.BytesIO(content))
    return made.getvalue()


def own_hooks(site: Site) -> dict[str, Any]:
    return dict(hooks(site.folder / "software"))


async def rolled_out(site: Site, release_id: str) -> RolloutProgress:
    context = site.found.factory.context()
    command = CreateRollout.of(release_id=release_id, name="night", device_ids=("edge-001",))
    made = await software.create_rollout(context, command)
    await software.start_rollout(context, made.rollout.id)
    return made


async def target(site: Site, made: RolloutProgress) -> TargetRow:
    context = site.found.factory.context()
    key = made.rollout.id
    (found,) = (await software.targets_of_rollouts(context, [key], None, 10))[key]
    return found


async def ended(site: Site, made: RolloutProgress) -> TargetRow:
    over = (TargetState.SUCCEEDED, TargetState.FAILED, TargetState.ROLLED_BACK)
    await site.becomes(lambda: target(site, made), lambda found: found.state in over)
    return await target(site, made)


async def steps(site: Site, made: RolloutProgress) -> list[str]:
    found = await target(site, made)
    rows = await software.steps_of_target(site.found.factory.context(), found.id)
    return [str(row.state) for row in rows]


async def test_a_rollout_reaches_the_edge_and_its_version_the_factory(site: Site) -> None:
    release = await site.found.uploaded(archive(b"new"))
    async with site.edge(**own_hooks(site)) as edge:
        await connected(edge)
        before = edge.runtime.core.build.version
        await site.becomes(site.now, lambda row: row.firmware_version == before)
        made = await rolled_out(site, release.id)
        assert (await ended(site, made)).state is TargetState.SUCCEEDED
        assert await steps(site, made) == ["DOWNLOADING", "VERIFYING", "INSTALLING", "SUCCEEDED"]
        await site.becomes(site.now, lambda row: row.firmware_version == "2.0.0")
        assert "Software 2.0.0 is installed: 2.0.0 is in" in "\n".join(await entries(edge))
        context = site.found.factory.context()

        async def state() -> Any:
            row = await software.rollout(context, made.rollout.id)
            return row and row.state

        await site.becomes(state, lambda found: found is RolloutState.FINISHED)
    assert (site.folder / "software/current/bin/edge").read_bytes() == b"new"
    async with site.edge(**own_hooks(site)) as edge:
        assert edge.runtime.control.status().software_version == "2.0.0"


async def test_an_order_waits_for_an_edge_that_is_away(standing: Site) -> None:
    release = await standing.found.uploaded(os.urandom(400_000))
    made = await rolled_out(standing, release.id)
    await standing.becomes(
        lambda: target(standing, made), lambda row: row.state is TargetState.DISPATCHED
    )
    async with standing.edge(**own_hooks(standing)) as edge, listening(standing.found):
        await connected(edge)
        assert (await ended(standing, made)).state is TargetState.SUCCEEDED


async def test_without_a_hook_the_rollout_fails_at_once_and_says_why(site: Site) -> None:
    release = await site.found.uploaded(b"firmware")
    async with site.edge() as edge:
        await connected(edge)
        made = await rolled_out(site, release.id)
        found = await ended(site, made)
    assert found.state is TargetState.FAILED
    assert "no install hook" in (found.error or "")


async def test_a_hook_that_fails_is_taken_back(site: Site) -> None:
    first = await site.found.uploaded(b"one", "2.0.0")
    second = await site.found.uploaded(b"two", "3.0.0")
    async with site.edge(**own_hooks(site)) as edge:
        await connected(edge)
        await ended(site, await rolled_out(site, first.id))
    broken = {"update_install": [sys.executable, "-c", "import sys; sys.exit('no room')"]}
    async with site.edge(**own_hooks(site) | broken) as edge:
        await connected(edge)
        found = await ended(site, await rolled_out(site, second.id))
        assert found.state is TargetState.ROLLED_BACK
        assert "exit 1: no room" in (found.error or "")
        assert any("was taken back" in message for message in await entries(edge))
        assert (await site.now()).firmware_version == "2.0.0"


async def test_only_what_a_trusted_key_signed_is_installed(site: Site) -> None:
    key, other = Ed25519PrivateKey.generate(), Ed25519PrivateKey.generate()
    public = base64.b64encode(key.public_key().public_bytes_raw()).decode()
    body = os.urandom(1_000)
    digest = sha256(body).digest()
    good, forged = (base64.b64encode(one.sign(digest)).decode() for one in (key, other))
    bad = await site.found.uploaded(body, "2.0.0", signature=forged, key_id="k1")
    signed = await site.found.uploaded(body, "3.0.0", signature=good, key_id="k1")
    async with site.edge(trusted_keys={"k1": public}, **own_hooks(site)) as edge:
        await connected(edge)
        refused = await ended(site, await rolled_out(site, bad.id))
        assert (refused.state, SoftwareFolder(site.folder / "software").running_version()) == (
            TargetState.FAILED,
            None,
        )
        taken = await ended(site, await rolled_out(site, signed.id))
        assert taken.state is TargetState.SUCCEEDED


async def test_an_update_by_hand_is_told_in_the_journal(site: Site) -> None:
    release = await site.found.uploaded(b"firmware")
    async with site.edge(**own_hooks(site)) as edge:
        await connected(edge)
        done = await site.told(UPDATE, {"releaseId": release.id})
        assert done.state is CommandState.SUCCEEDED
        await site.becomes(site.now, lambda row: row.firmware_version == "2.0.0")
        await site.becomes(
            lambda: entries(edge), lambda found: "Software 2.0.0 is installed" in "\n".join(found)
        )
        again = await site.told(UPDATE, {"releaseId": release.id})
        assert again.state is CommandState.SUCCEEDED


async def test_bytes_come_from_the_factory_and_from_nowhere_else(site: Site) -> None:
    release = await site.found.uploaded(b"firmware")
    evil = {"releaseId": release.id, "url": "http://127.0.0.1:9/artifact"}
    async with site.edge(**own_hooks(site)) as edge:
        await connected(edge)
        refused = await site.told(UPDATE, evil)
        assert (refused.error_code, refused.state) == ("VALIDATION_ERROR", CommandState.FAILED)
        named = {"releaseId": f"../../{release.id}", "targetId": new_id(), "size": 8}
        named |= {"version": "2.0.0", "filename": "f", "sha256": release.sha256}
        odd = await site.told(UPDATE, named)
        assert odd.state is CommandState.SUCCEEDED
        await site.becomes(
            lambda: entries(edge), lambda found: "was not installed" in "\n".join(found)
        )
        other = named | {"application": "kettle"}
        assert (await site.told(UPDATE, other)).error_code == "VALIDATION_ERROR"
        bare = {"releaseId": release.id, "targetId": new_id()}
        assert (
            await site.told(UPDATE, bare)
        ).error == "arguments.version: the factory did not name it"
    assert SoftwareFolder(site.folder / "software").running_version() is None


async def test_reports_wait_for_a_factory_that_is_away(standing: Site, tmp_path: Path) -> None:
    release = await standing.found.uploaded(b"firmware")
    go = tmp_path / "go"
    code = "import pathlib,sys,time\nwhile not pathlib.Path(sys.argv[1]).exists(): time.sleep(0.01)"
    waiting = {"update_install": [sys.executable, "-c", code, str(go)]}
    async with standing.edge(**own_hooks(standing) | waiting) as edge:
        async with listening(standing.found):
            await connected(edge)
            made = await rolled_out(standing, release.id)
            await standing.becomes(
                lambda: target(standing, made), lambda row: row.state is TargetState.INSTALLING
            )
        go.touch()
        await standing.becomes(
            lambda: entries(edge), lambda found: "is installed" in "\n".join(found)
        )
        assert (await target(standing, made)).state is TargetState.INSTALLING
        async with listening(standing.found):
            assert (await ended(standing, made)).state is TargetState.SUCCEEDED
            await eventually(lambda: bool(edge.runtime.factory and edge.runtime.factory.is_up()))

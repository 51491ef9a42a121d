"""One behaviour for every place that artifacts are kept in: a folder, and S3 over a socket."""

import asyncio
import os
import subprocess
import sys
from collections.abc import AsyncIterator, Callable
from dataclasses import dataclass
from hashlib import sha256
from pathlib import Path

import pytest

from domain.kernel.errors import NotFound, Unavailable, ValidationFailed
from drivers.artifacts.store import LocalArtifacts, ObjectArtifacts, s3_artifacts
from tests.support.s3 import s3_bucket, silent_s3

BODY = os.urandom(12_000_000)
MOST = 100_000_000


@dataclass(frozen=True, slots=True)
class Place:
    store: ObjectArtifacts
    held: Callable[[], list[str]]


@pytest.fixture(params=["folder", "s3"])
async def place(request: pytest.FixtureRequest, tmp_path: Path) -> AsyncIterator[Place]:
    if request.param == "folder":
        folder = tmp_path / "artifacts"

        def files() -> list[str]:
            found = [path for path in folder.rglob("*") if path.is_file()]
            return sorted(str(path.relative_to(folder)) for path in found)

        yield Place(LocalArtifacts(folder), files)
        return
    async with s3_bucket() as bucket:
        store = s3_artifacts(
            "artifacts", endpoint=bucket.url, access_key_id="key", secret_access_key="secret"
        )
        yield Place(store, lambda: sorted([*bucket.objects, *bucket.uploads]))


async def sent(body: bytes, *, fail_at: int | None = None) -> AsyncIterator[bytes]:
    for start in range(0, len(body), 1_000_000):
        if fail_at is not None and start >= fail_at:
            raise ConnectionResetError
        yield body[start : start + 1_000_000]


async def read(place: Place, key: str, start: int, end: int) -> bytes:
    return b"".join([chunk async for chunk in place.store.read(key, start, end)])


async def test_bytes_come_back_whole_and_in_part(place: Place) -> None:
    received = await place.store.receive(sent(BODY), MOST)
    assert (received.size_bytes, received.sha256) == (len(BODY), sha256(BODY).hexdigest())
    await place.store.publish(received, "releases/r1")
    assert place.held() == ["releases/r1"]
    assert await read(place, "releases/r1", 0, len(BODY)) == BODY
    assert await read(place, "releases/r1", 7_000_000, 7_000_100) == BODY[7_000_000:7_000_100]


async def test_a_stream_that_is_cut_leaves_nothing(place: Place) -> None:
    with pytest.raises(ConnectionResetError):
        await place.store.receive(sent(BODY, fail_at=8_000_000), MOST)
    assert place.held() == []


async def test_a_stream_that_is_too_long_is_not_read_to_its_end(place: Place) -> None:
    read_bytes = 0

    async def endless() -> AsyncIterator[bytes]:
        nonlocal read_bytes
        while True:
            read_bytes += 1_000_000
            yield bytes(1_000_000)

    with pytest.raises(ValidationFailed):
        await place.store.receive(endless(), 6_000_000)
    assert read_bytes == 7_000_000
    assert place.held() == []


async def test_an_unknown_artifact(place: Place) -> None:
    with pytest.raises(NotFound):
        await read(place, "releases/none", 0, 10)
    await place.store.discard("releases/none")


async def test_the_sweep_takes_what_is_old_and_unknown(place: Place) -> None:
    for name in ("one", "two"):
        received = await place.store.receive(sent(b"x" * 10), MOST)
        await place.store.publish(received, f"releases/{name}")
    await place.store.receive(sent(b"y"), MOST)
    assert await place.store.sweep("releases", 10**9, {"releases/one"}) == 0
    assert await place.store.sweep("releases", -10.0, {"releases/one"}) == 2
    assert place.held() == ["releases/one"]


async def test_storage_that_is_away_says_so(tmp_path: Path) -> None:
    async with s3_bucket() as bucket:
        url = bucket.url
    store = s3_artifacts(
        "artifacts", endpoint=url, access_key_id="key", secret_access_key="secret", retries=0
    )
    with pytest.raises(Unavailable):
        await store.receive(sent(b"x"), MOST)


async def test_storage_that_does_not_answer_is_not_waited_for_for_long() -> None:
    async with silent_s3() as bucket:
        store = s3_artifacts(
            "artifacts",
            endpoint=bucket.url,
            access_key_id="key",
            secret_access_key="secret",
            retries=0,
            request_s=0.2,
        )
        async with asyncio.timeout(10):
            with pytest.raises(Unavailable):
                await store.receive(sent(BODY), MOST)


async def test_a_stop_does_not_wait_for_storage_that_does_not_answer() -> None:
    async with silent_s3() as bucket:
        store = s3_artifacts(
            "artifacts",
            endpoint=bucket.url,
            access_key_id="key",
            secret_access_key="secret",
            retries=0,
            grace_s=0.1,
        )
        uploading = asyncio.create_task(store.receive(sent(BODY), MOST))
        await bucket.called.wait()
        uploading.cancel()
        ended, _ = await asyncio.wait({uploading}, timeout=10)
        assert ended
        assert uploading.cancelled()


STOPPED = """
import asyncio, signal, sys
from drivers.artifacts.store import s3_artifacts
async def endless():
    while True:
        yield bytes(1_000_000)
async def main():
    store = s3_artifacts("b", endpoint=sys.argv[1], access_key_id="a", secret_access_key="b")
    uploading = asyncio.create_task(store.receive(endless(), 10**12))
    asyncio.get_running_loop().add_signal_handler(signal.SIGTERM, uploading.cancel)
    await asyncio.wait({uploading})
    print("stopped" if uploading.cancelled() else uploading.exception())
asyncio.run(main())
"""


async def test_a_process_whose_storage_does_not_answer_ends_in_seconds() -> None:
    async with silent_s3() as bucket:
        process = await asyncio.create_subprocess_exec(
            *(sys.executable, "-c", STOPPED, bucket.url),
            stdout=asyncio.subprocess.PIPE,
            env=os.environ | {"PYTHONPATH": os.pathsep.join(sys.path)},
        )
        try:
            await bucket.called.wait()
            process.terminate()
            async with asyncio.timeout(25):
                said, _ = await process.communicate()
        finally:
            if process.returncode is None:
                process.kill()
                await process.wait()
    assert (process.returncode, said) == (0, b"stopped\n")


CUT = """
import asyncio, sys
from pathlib import Path
from drivers.artifacts.store import LocalArtifacts
async def cut():
    for _ in range(12):
        yield bytes(1_000_000)
    raise ConnectionResetError
async def main():
    try:
        await LocalArtifacts(Path(sys.argv[1])).receive(cut(), 10**9)
    except ConnectionResetError:
        print("cut")
asyncio.run(main())
"""


@pytest.mark.parametrize("attempt", range(8))
async def test_a_process_in_which_an_upload_was_cut_ends_well(tmp_path: Path, attempt: int) -> None:
    """The store's own threads must not outlive what they work for: an interpreter that ends
    meanwhile aborts."""
    done = await asyncio.to_thread(
        subprocess.run,
        [sys.executable, "-c", CUT, str(tmp_path)],
        capture_output=True,
        check=False,
        env=os.environ | {"PYTHONPATH": os.pathsep.join(sys.path)},
    )
    assert (done.returncode, done.stdout) == (0, b"cut\n"), done.stderr.decode()

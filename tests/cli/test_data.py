"""`oktograph backup` and `oktograph export`, as they are typed."""

import gzip
import json
import sqlite3
from contextlib import closing
from pathlib import Path

import pytest
from typer.testing import CliRunner

from oktograph.cli.main import app
from tests.support.codes import DOCUMENTED
from tests.support.databases import PostgresServer
from tests.support.edge import EdgeFolders, running_edge
from tests.support.ontakt import PG_DUMP
from tests.support.processes import run_to_end

SCAN = "mutation ($c: String!) { scan(input: {code: $c}) { valid } }"


@pytest.mark.parametrize("command", ["backup", "export", "migrate"])
def test_each_says_what_it_does(command: str) -> None:
    done = CliRunner().invoke(app, [command, "--help"])
    assert done.exit_code == 0
    assert "--data-dir" in done.stdout
    assert "--of" in done.stdout


async def test_a_database_in_use(edge_folders: EdgeFolders, tmp_path: Path) -> None:
    folder = await edge_folders.fresh(tmp_path / "data")
    target, packed, lines = (tmp_path / name for name in ("edge.db", "edge.db.gz", "scans.jsonl"))
    of = ("--data-dir", str(folder))
    async with running_edge(folder) as edge:
        operator = await edge.logged_in("operator")
        await operator.ask(SCAN, c=DOCUMENTED)
        done = run_to_end(tmp_path, "backup", str(target), *of)
        assert (done.returncode, f"Written to {target}" in done.stdout) == (0, True), done.stderr
        assert run_to_end(tmp_path, "backup", str(packed), "--compress", *of).returncode == 0
        again = run_to_end(tmp_path, "backup", str(target), *of)
        assert again.returncode != 0
        assert run_to_end(tmp_path, "export", "scans", str(lines), *of).returncode == 0
    with closing(sqlite3.connect(target)) as copy:
        assert copy.execute("PRAGMA integrity_check").fetchall() == [("ok",)]
        assert copy.execute("SELECT count(*) FROM scan").fetchone() == (1,)
    assert target.stat().st_mode & 0o077 == 0
    assert gzip.decompress(packed.read_bytes()).startswith(b"SQLite format 3\0")
    [line] = lines.read_text().splitlines()
    assert json.loads(line)["code"] == DOCUMENTED


async def test_a_postgresql(postgres_server: PostgresServer, tmp_path: Path) -> None:
    async with postgres_server.fresh() as database:
        url = database.url.set(drivername="postgresql").render_as_string(hide_password=False)
        told = {"factory_database_url": url, "pg_dump": PG_DUMP}
        target = tmp_path / "factory.dump"
        done = run_to_end(tmp_path, "backup", str(target), "--of", "factory", **told)
        assert done.returncode == 0, done.stderr
        assert target.read_bytes().startswith(b"PGDMP")


@pytest.mark.parametrize(
    ("settings", "words"),
    [
        ({}, "no database to copy"),
        ({"factory_database_url": "postgresql://u:p@127.0.0.1:1/x", "pg_dump": "/no"}, "started"),
        ({"factory_database_url": "postgresql://u:p@127.0.0.1:1/x", "pg_dump": PG_DUMP}, "failed"),
    ],
)
def test_what_cannot_be_copied_leaves_nothing(
    tmp_path: Path, settings: dict[str, str], words: str
) -> None:
    target = tmp_path / "copy"
    done = run_to_end(tmp_path, "backup", str(target), "--of", "factory", **settings)
    assert (done.returncode, words in done.stderr) == (1, True), done.stderr
    assert not target.exists()

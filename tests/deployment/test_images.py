"""Dockerfile, docker-compose.yml and .ci/run: no Docker here, so every part that can be held to the
code is, and the edge's command is run as its container would run it."""

import os
import re
import shlex
import signal
import subprocess
import sys
import time
import zipfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any
from urllib.error import URLError

import pytest
import typer
import yaml

from drivers.mqtt.mosquitto import CONFIGURATION, LIST
from oktograph.cli.main import app
from oktograph.documents import OPERATIONS
from oktograph.settings import Settings
from tests.support.databases import PostgresServer
from tests.support.processes import free_port
from tests.support.redis import RedisServer

ROOT = Path(__file__).parents[2]
COMPOSE: dict[str, Any] = yaml.safe_load((ROOT / "docker-compose.yml").read_text())
SERVICES: dict[str, dict[str, Any]] = COMPOSE["services"]
OURS = {name: service for name, service in SERVICES.items() if "build" in service}
DOCKERFILE = (ROOT / "Dockerfile").read_text().replace("\\\n", " ")
START_S = 30.0


def instructions(name: str) -> list[str]:
    """Their arguments, in order."""
    lines = (line.split(maxsplit=1) for line in DOCKERFILE.splitlines() if line[:1].isupper())
    return [line[1] for line in lines if line[0] == name]


def image_environment() -> dict[str, str]:
    words = [word for line in instructions("ENV") for word in shlex.split(line)]
    return dict(word.split("=", 1) for word in words)


def environment(service: dict[str, Any]) -> dict[str, str]:
    """As an empty shell would fill it in."""
    given = {**image_environment(), **service.get("environment", {})}
    return {
        name: re.sub(r"\$\{\w+(?::-(.*?))?\}", r"\1", str(text)) for name, text in given.items()
    }


def check_command(arguments: list[str]) -> None:
    """Parses it as the command line does, without running it. Raises what it would print."""
    group: Any = typer.main.get_command(app)
    with group.make_context("oktograph", list(arguments)) as context:
        name, command, rest = group.resolve_command(context, list(arguments))
        with command.make_context(name, rest, parent=context):
            pass


def test_the_services_are_those_of_a_site() -> None:
    assert SERVICES.keys() == {"edge", "factory", "postgres", "redis", "mqtt"}
    assert "profiles" not in SERVICES["edge"]
    for service in SERVICES.values():
        assert service["healthcheck"]["test"][0] in {"CMD", "CMD-SHELL"}
        assert service["healthcheck"]["retries"] >= 1
        for other in service.get("depends_on", {}):
            assert set(service["profiles"]) <= set(SERVICES[other]["profiles"])
    named = {volume.split(":")[0] for one in SERVICES.values() for volume in one.get("volumes", ())}
    assert named == COMPOSE["volumes"].keys()


@pytest.mark.parametrize("name", OURS)
def test_a_command_is_one_of_ours(name: str) -> None:
    check_command(OURS[name]["command"])


def test_the_image_runs_an_edge_and_not_as_root() -> None:
    (entry,), (command,) = instructions("ENTRYPOINT"), instructions("CMD")
    assert yaml.safe_load(entry) == ["oktograph"]
    check_command(yaml.safe_load(command))
    assert yaml.safe_load(command) == SERVICES["edge"]["command"]
    (user,) = instructions("USER")
    assert user not in {"root", "0"}
    assert f" {user}" in DOCKERFILE.split("useradd")[1].splitlines()[0]


@pytest.mark.parametrize(
    "arguments", [["serv"], ["serve", "--rol", "edge"], ["serve", "--role", "x"]]
)
def test_a_wrong_command_would_be_noticed(arguments: list[str]) -> None:
    with pytest.raises(Exception, match=r"(?i)no such|invalid|is not one of"):
        check_command(arguments)


@pytest.mark.parametrize("name", OURS)
def test_every_setting_is_one_that_is_read(name: str, monkeypatch: pytest.MonkeyPatch) -> None:
    fields = {f"OKTOGRAPH_{field.upper()}" for field in Settings.model_fields}
    given = {key: text for key, text in environment(OURS[name]).items() if key[:10] == "OKTOGRAPH_"}
    assert given.keys() <= fields
    for key, text in given.items():
        monkeypatch.setenv(key, text)
    settings = Settings(_env_file=None)
    assert not settings.demo
    assert settings.host == "0.0.0.0"


@pytest.mark.parametrize(("name", "field"), [("edge", "edge_port"), ("factory", "factory_port")])
def test_ports_match(name: str, field: str) -> None:
    service = OURS[name]
    port = service["environment"][f"OKTOGRAPH_{field.upper()}"]
    assert service["ports"] == [f"{port}:{port}"]
    assert f"127.0.0.1:{port}/health" in service["healthcheck"]["test"][-1]
    assert port in instructions("EXPOSE")[0].split()
    assert Settings.model_fields[field].default == int(port)


def test_no_secret_has_a_default() -> None:
    for name, service in SERVICES.items():
        for key, text in service.get("environment", {}).items():
            if re.search("PASSWORD|SECRET|TOKEN", key):
                assert text == f"${{{key}:-}}", (name, key)
    entrypoint = SERVICES["redis"]["entrypoint"][-1]
    assert entrypoint.startswith('test -n "$$REDIS_PASSWORD" && ')


def test_the_broker_reads_what_the_factory_writes() -> None:
    """Under one name, as one user; and what starts it is a script that a shell takes."""
    factory, broker = SERVICES["factory"], SERVICES["mqtt"]
    given = factory["environment"]
    folder, url = given["OKTOGRAPH_MQTT_FILES"], given["OKTOGRAPH_MQTT_URL"]
    assert f"mqtt:{folder}" in factory["volumes"]
    assert broker["volumes"] == [f"mqtt:{folder}"]
    assert f"--uid {broker['user']}" in DOCKERFILE
    assert url == "mqtts://mqtt:8883"
    assert broker["ports"] == ["8883:8883"]
    shell, option, script = broker["entrypoint"]
    assert (shell, option) == ("sh", "-c")
    for name in (CONFIGURATION, LIST):
        assert f"{folder}/{name}" in script
    subprocess.run(["sh", "-n", "-c", script.replace("$$", "$")], check=True)


def test_images_are_named_without_a_host_and_with_a_version() -> None:
    images = [service["image"] for service in SERVICES.values() if "image" in service]
    for image in [*images, *(line.split()[0] for line in instructions("FROM"))]:
        assert re.fullmatch(r"[a-z-]+:[0-9][\w.-]*", image), image


def test_what_is_copied_is_there_and_not_ignored() -> None:
    ignore = (ROOT / ".dockerignore").read_text().split()
    assert ignore[0] == "*"
    kept = {line[1:] for line in ignore if line.startswith("!")}
    for line in instructions("COPY"):
        if not line.startswith("--from"):
            for source in line.split()[:-1]:
                assert (ROOT / source).exists()
                assert source in kept
    assert "--require-hashes -r requirements.lock" in DOCKERFILE


def test_the_package_has_all_that_the_service_reads(tmp_path: Path) -> None:
    """The image installs a wheel: files that are no Python have to be in it."""
    command = [sys.executable, "-m", "hatchling", "build", "-t", "wheel", "-d", str(tmp_path)]
    subprocess.run(command, cwd=ROOT, check=True, capture_output=True)
    (wheel,) = tmp_path.glob("*.whl")
    packed = set(zipfile.ZipFile(wheel).namelist())
    wanted = {f"frontend_contracts/operations/{path.name}" for path in OPERATIONS.glob("*.graphql")}
    for package in ("compat_rest", "domain", "drivers", "graph", "migrations", "oktograph"):
        files = (path for path in (ROOT / package).rglob("*") if path.is_file())
        wanted |= {p.relative_to(ROOT).as_posix() for p in files if "__pycache__" not in p.parts}
    assert wanted <= packed


def test_ci_checks_and_then_tests() -> None:
    script = ROOT / ".ci" / "run"
    assert os.access(script, os.X_OK)
    subprocess.run(["bash", "-n", script], check=True)
    lines = script.read_text().splitlines()
    assert "set -euo pipefail" in lines
    assert [line.split()[:2] for line in lines if line.startswith("make ")] == [
        ["make", "check"],
        ["make", "test"],
    ]


@contextmanager
def started(folder: Path, **more: str) -> Iterator[tuple[subprocess.Popen[bytes], int]]:
    """The edge's command with the image's and the service's environment; its data is `folder`."""
    port = free_port()
    own = {
        **environment(OURS["edge"]),
        "PATH": os.environ["PATH"],
        "PYTHONPATH": str(ROOT),
        "OKTOGRAPH_HOST": "127.0.0.1",
        "OKTOGRAPH_EDGE_PORT": str(port),
        "OKTOGRAPH_DATA_DIR": str(folder / "data"),
        **more,
    }
    command = [sys.executable, "-c", "from oktograph.cli import main; main()"]
    process = subprocess.Popen(
        [*command, *OURS["edge"]["command"]], cwd=folder, env=own, stdout=subprocess.DEVNULL
    )
    try:
        yield process, port
    finally:
        if process.poll() is None:
            process.kill()
        process.wait()


def healthy(port: int) -> bool:
    """By the health check's own code."""
    code = OURS["edge"]["healthcheck"]["test"][-1].replace(":8080/", f":{port}/")
    try:
        exec(code, {})  # noqa: S102 - what the container would execute
    except (URLError, ConnectionError, TimeoutError):
        return False
    return True


def serve_until_healthy_and_stop(folder: Path, **more: str) -> None:
    with started(folder, **more) as (process, port):
        deadline = time.monotonic() + START_S
        while not healthy(port):
            assert time.monotonic() < deadline, "it did not become healthy"
            with pytest.raises(subprocess.TimeoutExpired):  # it has not ended
                process.wait(0.05)
        process.send_signal(signal.SIGTERM)
        assert process.wait(START_S) == 0


def test_an_edge_starts_is_healthy_and_stops(tmp_path: Path) -> None:
    serve_until_healthy_and_stop(tmp_path)
    assert (tmp_path / "data" / "edge.db").exists()


async def test_so_it_does_on_postgresql_and_redis(
    tmp_path: Path, postgres_server: PostgresServer, redis_server: RedisServer
) -> None:
    async with postgres_server.fresh() as database:
        url = database.url.set(drivername="postgresql").render_as_string(hide_password=False)
        await database.close()
        serve_until_healthy_and_stop(
            tmp_path, OKTOGRAPH_EDGE_DATABASE_URL=url, OKTOGRAPH_BROADCAST_URL=redis_server.url
        )
    assert not (tmp_path / "data" / "edge.db").exists()

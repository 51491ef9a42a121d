"""What the benchmarks ask of a running edge."""

import random
import tempfile
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from benchmarks.http_load import call, encode
from benchmarks.machine import Child, child
from domain.production.codes import ProfileCatalogue, generate_code

SCAN_PATH = "/api/v1/scanner/scan"
SCAN_MUTATION = """mutation Scan($input: ScanInput!) {
  scan(input: $input) { valid gtin duplicate message reason bottle { id } }
}"""


@dataclass(frozen=True, slots=True)
class Edge:
    child: Child
    token: str
    database: Path

    @property
    def port(self) -> int:
        return self.child.port

    def scan(self, code: str) -> bytes:
        return encode("POST", SCAN_PATH, scan_body(code), self.token)

    def graphql(self, query: str, variables: dict[str, Any] | None = None) -> bytes:
        body = {"query": query, "variables": variables or {}}
        return encode("POST", "/graphql", body, self.token)

    def scan_mutation(self, code: str) -> bytes:
        return self.graphql(SCAN_MUTATION, {"input": scan_body(code)})


def scan_body(code: str) -> dict[str, Any]:
    return {"code": code, "lineId": "line-1", "scannerIndex": 1}


@contextmanager
def running_edge(prepare: Callable[[Path], None] | None = None, **options: Any) -> Iterator[Edge]:
    """A fresh edge with an empty database of its own, or what `prepare` puts into its folder, and
    its administrator's token."""
    with tempfile.TemporaryDirectory(prefix="okto-bench-") as folder:
        if prepare is not None:
            prepare(Path(folder))
        with child("benchmarks.servers.edge", data_dir=folder, **options) as process:
            yield Edge(process, _token(process), Path(folder) / "edge.db")


def _token(process: Child) -> str:
    body = {"username": "admin", "password": process.said["password"]}
    answer = call(process.port, encode("POST", "/api/v1/auth/login", body))
    token: str = answer["data"]["token"]
    return token


class Codes:
    """Valid milk codes of a few products, each once."""

    def __init__(self, seed: int = 1) -> None:
        self._random = random.Random(seed)
        self._milk = ProfileCatalogue().profile("milk")
        self._gtins = [self._fresh()[2:16] for _ in range(8)]
        self._given: set[str] = set()

    def take(self, count: int) -> list[str]:
        made: list[str] = []
        while len(made) < count:
            code = self._fresh(self._random.choice(self._gtins))
            if code[:24] not in self._given:
                self._given.add(code[:24])
                made.append(code)
        return made

    def _fresh(self, gtin: str | None = None) -> str:
        return generate_code(self._milk, self._random, gtin)

"""What the benchmarks ask of a running factory."""

import tempfile
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from benchmarks.http_load import call, encode
from benchmarks.machine import Child, child

LOGIN = 'mutation { login(username: "admin", password: "%s") { token } }'


@dataclass(frozen=True, slots=True)
class Factory:
    child: Child
    token: str

    @property
    def port(self) -> int:
        return self.child.port

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.port}"

    @property
    def password(self) -> str:
        """Of the user `admin`."""
        given: str = self.child.said["password"]
        return given

    def graphql(self, query: str, variables: dict[str, Any] | None = None) -> bytes:
        return graphql(query, variables, self.token)

    def ask(self, query: str, **variables: Any) -> dict[str, Any]:
        """The data of an answer without errors."""
        return data_of(call(self.port, self.graphql(query, variables)))


@contextmanager
def running_factory(
    prepare: Callable[[Path], None] | None = None, **options: Any
) -> Iterator[Factory]:
    """A fresh factory, on a SQLite file of its own or the empty database at `database_url`.
    `prepare` is given its folder before it starts."""
    with tempfile.TemporaryDirectory(prefix="okto-bench-") as folder:
        if prepare is not None:
            prepare(Path(folder))
        with child("benchmarks.servers.factory", data_dir=folder, **options) as process:
            answer = call(process.port, graphql(LOGIN % process.said["password"]))
            yield Factory(process, data_of(answer)["login"]["token"])


def graphql(query: str, variables: dict[str, Any] | None = None, token: str | None = None) -> bytes:
    return encode("POST", "/graphql", {"query": query, "variables": variables or {}}, token)


def data_of(answer: dict[str, Any]) -> dict[str, Any]:
    if answer.get("errors"):
        raise RuntimeError(f"refused: {answer['errors']}")
    data: dict[str, Any] = answer["data"]
    return data

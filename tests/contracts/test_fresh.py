"""frontend_contracts/ is what the code says, and `drift` sees every way in which it is not."""

import json
from collections.abc import Callable
from pathlib import Path
from shutil import copytree, ignore_patterns

import pytest

from oktograph.contracts import drift, write
from oktograph.contracts.node import LOCK, TOOLS
from oktograph.contracts.rendering import NOTICE

pytestmark = pytest.mark.xdist_group("node")


@pytest.fixture
def copy(tmp_path: Path) -> Path:
    target = tmp_path / "contracts"
    copytree(TOOLS, target, ignore=ignore_patterns("node_modules", "operations"))
    return target


def test_nothing_is_stale() -> None:
    assert drift(TOOLS) == []


def test_a_fresh_folder_gets_the_same_files(tmp_path: Path) -> None:
    """The TypeScript too: made anew here, by the same tools, to the last byte."""
    written = write(tmp_path)
    assert {path.relative_to(tmp_path).parts[0] for path in written} == {
        "asyncapi",
        "errors.json",
        "openapi",
        "schema.graphql",
        "typescript",
    }
    for path in written:
        kept = TOOLS / path.relative_to(tmp_path)
        assert path.read_text() == kept.read_text(), path.name
        assert NOTICE in path.read_text().splitlines()[0]
    assert write(tmp_path) == []


def append(path: Path) -> None:
    path.write_text(path.read_text() + "\n")


def remove(path: Path) -> None:
    path.unlink()


@pytest.mark.parametrize(
    ("name", "change"),
    [
        ("schema.graphql", append),
        ("errors.json", remove),
        ("openapi/okto-edge.json", append),
        ("asyncapi/okto-edge.json", remove),
        ("typescript/operations.ts", append),
        ("typescript/manifest.json", remove),
    ],
)
def test_a_changed_file_is_named(copy: Path, name: str, change: Callable[[Path], None]) -> None:
    change(copy / name)
    found = drift(copy)
    assert len(found) == 1
    assert name in found[0]
    assert write(copy) == [copy / name]
    assert drift(copy) == []


def test_a_file_that_nothing_makes_any_more_goes(copy: Path) -> None:
    left = copy / "openapi" / "of-old.json"
    left.write_text("{}")
    assert len(drift(copy)) == 1
    assert write(copy) == [left]
    assert not left.exists()


def test_a_hand_in_the_manifest_does_not_hide_a_change(copy: Path) -> None:
    """The digests of changed files have to be right for what the code says, not for the files."""
    (copy / "typescript" / "graphql.ts").write_text("export {};\n")
    assert [text.splitlines()[0] for text in drift(copy)] == ["--- typescript/graphql.ts"]


def test_the_lock_names_no_registry() -> None:
    packages = json.loads(LOCK.read_text())["packages"]
    assert all("resolved" not in package for package in packages.values())
    assert all("integrity" in package for name, package in packages.items() if name)

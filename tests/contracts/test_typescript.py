"""The generated TypeScript compiles in the strictest mode, with a client that uses it; a client
that uses it wrongly does not."""

import re
from pathlib import Path
from shutil import copytree

import pytest

from oktograph.contracts import ToolFailed
from oktograph.contracts.node import MODULES, TOOLS, install_modules, run_node

pytestmark = pytest.mark.xdist_group("node")
COMPILER = MODULES / "typescript" / "bin" / "tsc"
WRONG = (
    'request("", "", Bottles, { first: "ten" });',
    '(await request("", "", Bottles, {})).bottles.edges[0]?.node.colour;',
    'request("", "", Bottle, { number: 1 });',
    'rest.GET("/api/v1/bottle", {});',
    'rest.POST("/api/v1/scanner/scan", { body: { code: 17 } });',
)


def test_the_types_and_the_example_compile() -> None:
    assert run_node(COMPILER, "--project", TOOLS) == ""


def test_wrong_uses_do_not(tmp_path: Path) -> None:
    install_modules()
    for folder in ("typescript", "examples"):
        copytree(TOOLS / folder, tmp_path / folder)
    (tmp_path / "tsconfig.json").write_text((TOOLS / "tsconfig.json").read_text())
    (tmp_path / "node_modules").symlink_to(MODULES)
    example = tmp_path / "examples" / "client.ts"
    before = example.read_text()
    lines = "\n".join(WRONG)
    example.write_text(f"{before}export const wrong = async () => {{\n{lines}\n}};\n")
    with pytest.raises(ToolFailed) as refused:
        run_node(COMPILER, "--project", tmp_path)
    found = {int(line) for line in re.findall(r"client\.ts\((\d+),", str(refused.value))}
    first = before.count("\n") + 2
    assert found == set(range(first, first + len(WRONG))), refused.value

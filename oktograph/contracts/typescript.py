"""typescript/: made by npm tools, and only when what it is made of has changed.

`manifest.json` holds a digest of everything the files were made of, and one of the files: while
both hold, nothing has to be made again to know that the files are right.
"""

import tempfile
from collections.abc import Mapping
from pathlib import Path
from typing import Final

from oktograph.contracts.node import LOCK, TOOLS, run_node
from oktograph.contracts.rendering import digest, json_text

FOLDER: Final = "typescript"
MANIFEST: Final = f"{FOLDER}/manifest.json"
CODEGEN: Final = TOOLS / "codegen.mjs"


def typescript(inputs: Mapping[str, str], present: Mapping[str, str]) -> dict[str, str]:
    """`inputs` are schema, operations and OpenAPI documents; `present` are files of an earlier
    run, which are the answer where they still are right. All by relative path."""
    tools = {path.name: path.read_text() for path in (CODEGEN, LOCK)}
    made_of = digest({**inputs, **tools})
    kept = {name: text for name, text in present.items() if _is_made(name)}
    manifest = _manifest(made_of, kept)
    if kept and present.get(MANIFEST) == manifest:
        return {**kept, MANIFEST: manifest}
    made = _made(inputs)
    return {**made, MANIFEST: _manifest(made_of, made)}


def _is_made(name: str) -> bool:
    return name.startswith(f"{FOLDER}/") and name.endswith(".ts")


def _manifest(made_of: str, files: Mapping[str, str]) -> str:
    hashes = {name: digest({name: files[name]}) for name in files}
    return json_text({"madeOf": made_of, "files": hashes})


def _made(inputs: Mapping[str, str]) -> dict[str, str]:
    with tempfile.TemporaryDirectory() as folder:
        source, target = Path(folder, "in"), Path(folder, FOLDER)
        for name, text in inputs.items():
            path = source / name
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_text(text)
        run_node(CODEGEN, source, target)
        return {f"{FOLDER}/{path.name}": path.read_text() for path in sorted(target.iterdir())}

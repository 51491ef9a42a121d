"""frontend_contracts/: what the outside may rely on, made from the code.

`operations/*.graphql` and the tools beside them are written by hand; all else is generated.
"""

import difflib
from pathlib import Path
from typing import Final

from oktograph.contracts.descriptions import descriptions
from oktograph.contracts.node import ToolFailed
from oktograph.contracts.permissions import PAGE, permissions_page, write_page
from oktograph.contracts.typescript import FOLDER, typescript
from oktograph.documents import OPERATIONS

__all__ = ["ToolFailed", "drift", "drift_of_page", "permissions_page", "write", "write_page"]
_GENERATED: Final = ("schema.graphql", "errors.json", "openapi/*", "asyncapi/*", f"{FOLDER}/*")
_SHOWN_LINES: Final = 20


def write(target: Path) -> list[Path]:
    """Makes everything anew below `target`; the files that changed, or went. ToolFailed if a tool
    is missing or fails."""
    wanted, present = _wanted(target), _present(target)
    changed = [
        name for name in sorted({*wanted, *present}) if wanted.get(name) != present.get(name)
    ]
    for name in changed:
        path = target / name
        if name in wanted:
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_text(wanted[name], encoding="utf-8")
        else:
            path.unlink()
    return [target / name for name in changed]


def drift(target: Path) -> list[str]:
    """What is not as the code says: a few lines of difference for each such file. Empty if all is
    fresh. Writes nothing."""
    wanted, present = _wanted(target), _present(target)
    names = sorted({*wanted, *present})
    return [
        _difference(name, present.get(name, ""), wanted.get(name, ""))
        for name in names
        if wanted.get(name) != present.get(name)
    ]


def drift_of_page(docs: Path) -> list[str]:
    """The same for docs/permissions.md."""
    path, wanted = docs / PAGE, permissions_page()
    present = path.read_text("utf-8") if path.exists() else ""
    return [] if present == wanted else [_difference(PAGE, present, wanted)]


def _wanted(target: Path) -> dict[str, str]:
    described = descriptions()
    operations = {f"operations/{path.name}": path.read_text() for path in _operations()}
    inputs = {
        name: text
        for name, text in {**described, **operations}.items()
        if name.endswith(".graphql") or name.startswith("openapi/")
    }
    return {**described, **typescript(inputs, _present(target))}


def _operations() -> list[Path]:
    return sorted(OPERATIONS.glob("*.graphql"))


def _present(target: Path) -> dict[str, str]:
    paths = [path for pattern in _GENERATED for path in target.glob(pattern) if path.is_file()]
    return {path.relative_to(target).as_posix(): path.read_text("utf-8") for path in paths}


def _difference(name: str, present: str, wanted: str) -> str:
    lines = difflib.unified_diff(
        present.splitlines(), wanted.splitlines(), name, f"{name} (of the code)", lineterm="", n=1
    )
    shown = list(lines)
    more = len(shown) - _SHOWN_LINES
    tail = [f"… {more} lines more"] if more > 0 else []
    return "\n".join([*shown[:_SHOWN_LINES], *tail])

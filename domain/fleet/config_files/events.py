"""Facts of configuration files, past tense, in fleet's stream. The key is the file's id, the
payload its row without where its bytes lie."""

from typing import Any, Final

from domain.fleet.config_files.rows import ConfigFileRow
from domain.fleet.events import STREAM
from domain.kernel.uow import UnitOfWork

# {file}
STORED: Final = "config_file.stored"
REMOVED: Final = "config_file.removed"


def record(
    work: UnitOfWork, kind: str, row: ConfigFileRow, before: ConfigFileRow | None = None
) -> None:
    was = None if before is None else _shown(before)
    work.record_change(STREAM, kind, row.id, was, file=_shown(row))


def _shown(row: ConfigFileRow) -> dict[str, Any]:
    shown = row._asdict()
    del shown["object_key"]
    return shown

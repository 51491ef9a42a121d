"""Where the files of exports lie, and what is left of those that no task names."""

from typing import Final

from domain.jobs.exports import repository
from domain.kernel.artifacts import ORPHAN_AGE_S, ArtifactStore
from domain.kernel.database import Database

FOLDER: Final = "exports"


def key_of(task_id: str) -> str:
    """One for each task: whoever writes it again writes the same place."""
    return f"{FOLDER}/{task_id}"


async def sweep_exports(
    database: Database, files: ArtifactStore, older_than_s: float = ORPHAN_AGE_S
) -> int:
    """Removes files that no task names, nor may yet name when it ends; how many."""
    async with database.read() as session:
        pending, stored = await repository.unfinished_or_stored(session)
    return await files.sweep(FOLDER, older_than_s, stored | {key_of(one) for one in pending})

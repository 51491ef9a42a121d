"""Who is cancelled is cancelled, whatever else goes wrong in that moment.

SQLAlchemy closes a session to the end before it passes on a cancellation that came meanwhile, and
forgets it where closing fails: a loop that survives errors of its storage would run on for good,
and whoever stops it and waits would wait as long.
"""

import asyncio
from collections.abc import Iterator
from contextlib import contextmanager


@contextmanager
def cancellation_first() -> Iterator[None]:
    """An error that leaves the block of a task that was cancelled within it, and has not taken that
    back, leaves as CancelledError."""
    task = asyncio.current_task()
    asked = 0 if task is None else task.cancelling()
    try:
        yield
    except Exception as error:
        if task is not None and task.cancelling() > asked:
            raise asyncio.CancelledError from error
        raise

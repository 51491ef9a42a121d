"""The log of a process, line by line, whatever its clients make it say."""

from asyncio import IncompleteReadError, LimitOverrunError, StreamReader
from collections.abc import AsyncIterator


async def log_lines(stream: StreamReader) -> AsyncIterator[bytes]:
    """Until its end. A line that is longer than the reader's limit is left out whole: what is
    behind the cut would pass for a line of its own, in words that a client may have chosen."""
    cut = False
    while True:
        try:
            line = await stream.readuntil(b"\n")
        except LimitOverrunError as error:
            await stream.readexactly(error.consumed)
            cut = True
            continue
        except IncompleteReadError as error:
            if error.partial and not cut:
                yield error.partial
            return
        if not cut:
            yield line
        cut = False

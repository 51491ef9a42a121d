"""What can be asked of configuration files."""

from typing import Annotated, Final

from pydantic import AfterValidator, StringConstraints

from domain.kernel.commands import Command
from domain.kernel.text import is_storable

OCTETS: Final = "application/octet-stream"
MAX_FILES: Final = 1_000
"""Of a customer: they are listed in one piece, as the old clients expect."""
NAME: Final = r"^[^\x00-\x20\x7f/\\][^\x00-\x1f\x7f/\\]*$"
"""No control characters, none of what separates the parts of a path somewhere, no blank first."""
DOTS: Final = frozenset({".", ".."})


def _no_path(text: str) -> str:
    if text in DOTS or not is_storable(text):
        raise ValueError("not a name")
    return text


FileName = Annotated[
    str,
    StringConstraints(min_length=1, max_length=255, pattern=NAME),
    AfterValidator(_no_path),
]
Identifier = Annotated[
    str,
    StringConstraints(min_length=1, max_length=128, pattern=NAME),
    AfterValidator(_no_path),
]
# Whatever a client says that its bytes are, as far as a header can carry it.
MediaType = Annotated[str, StringConstraints(max_length=255, pattern=r"^[!-~]([ -~]*[!-~])?$")]


class PutConfigFile(Command):
    """Creates it or replaces what it was."""

    identifier: Identifier
    name: FileName
    media_type: MediaType = OCTETS

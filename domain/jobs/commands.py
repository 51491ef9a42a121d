"""What can be asked of jobs. Ids are plain ids; times are microseconds, UTC."""

from typing import Annotated, Final

from pydantic import AfterValidator, Field, StringConstraints

from domain.kernel.commands import Command
from domain.kernel.text import is_storable

MAX_GATEWAYS: Final = 1_000
MAX_CONFIGURATIONS: Final = 1_000
"""Of a customer: they are listed in one piece, as the old clients expect."""


def _storable(text: str) -> str:
    if not is_storable(text):
        raise ValueError("holds what is no text")
    return text


Label = Annotated[
    str,
    StringConstraints(min_length=1, max_length=128, pattern=r"^[^\x00-\x1f\x7f]+$"),
    AfterValidator(_storable),
]
# Codes hold GS1's group separator, a control character.
Barcode = Annotated[
    str,
    StringConstraints(min_length=1, max_length=256, pattern=r"^[^\x00]+$"),
    AfterValidator(_storable),
]
Moment = Annotated[int, Field(ge=0, le=2**62)]
Gateways = Annotated[tuple[Label, ...], Field(max_length=MAX_GATEWAYS)]


class CreateJobConfiguration(Command):
    """`gateways` by id, serial number or thing name; they need not be there yet."""

    name: Label
    start_barcode: Barcode
    end_barcode: Barcode
    gateways: Gateways = ()


class UpdateJobConfiguration(Command):
    """Only what is given changes. With `version` it is refused where somebody else was first."""

    configuration_id: str
    name: Label | None = None
    start_barcode: Barcode | None = None
    end_barcode: Barcode | None = None
    gateways: Gateways | None = None
    version: Annotated[int, Field(ge=0, le=2**31 - 1)] | None = None


class AnalyseJobs(Command):
    """Jobs that begin and end from `from_us` to `to_us`, both included. A window that ends before
    it begins holds none."""

    configuration_id: str
    from_us: Moment
    to_us: Moment

"""What fields of several bodies may hold."""

from typing import Annotated, Any, Final

from pydantic import Field

from compat_rest.kernel.fields import PRINTABLE

Label = Annotated[str, Field(min_length=1, max_length=128, pattern=PRINTABLE)]
Sentence = Annotated[str, Field(min_length=1, max_length=1000, pattern=r"^[^\x00]+$")]
Identifier = Annotated[str, Field(min_length=1, max_length=128, pattern=r"^[^\x00-\x20\x7f/]+$")]
DeviceKeys = Annotated[list[str], Field(max_length=500, description="Identifiers of devices")]
LEFT_OUT: Final[Any] = None
"""The default of a field that may be left out and may not be null."""


def without_default(schema: dict[str, Any]) -> None:
    schema.pop("default", None)

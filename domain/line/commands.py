"""What can be asked of a line's configuration."""

from typing import Annotated, Final

from pydantic import Field, StringConstraints

from domain.kernel.commands import Command

PREFIX: Final = "l2.override."
MAX_OVERRIDES: Final = 200
MAX_VALUE: Final = 64 * 1024
# With the prefix or without it; of a known setting, or any that a client keeps here.
Key = Annotated[str, StringConstraints(pattern=r"^[A-Za-z0-9_][A-Za-z0-9_.-]{0,99}$")]
Value = Annotated[str, StringConstraints(max_length=MAX_VALUE, pattern=r"^[^\x00]*$")]
Name = Annotated[
    str, StringConstraints(min_length=1, max_length=128, pattern=r"^[^\x00-\x1f\x7f]+$")
]


class ChangeOverrides(Command):
    """`set` before `unset`: a key in both is gone. `actor` is whom the caller names."""

    set: Annotated[dict[Key, Value], Field(max_length=MAX_OVERRIDES)] = Field(default_factory=dict)
    unset: Annotated[tuple[Key, ...], Field(max_length=MAX_OVERRIDES)] = ()
    actor: Name | None = None


def full_key(key: str) -> str:
    return key if key.startswith(PREFIX) else f"{PREFIX}{key}"


def short_key(key: str) -> str:
    return key.removeprefix(PREFIX)

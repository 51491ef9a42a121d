"""Addresses of tags as controllers write them: `COUNT`, `Program:Main.REJECT`, `ARR[3]`,
`MATRIX[1,2]`, `RECIPE.STEP[4].TIME`, `WORD.3`."""

import re
from dataclasses import dataclass

MAX_BIT = 63
MAX_DIMENSIONS = 3

# A colon: modules (`Local:1:I.Data`) and programs have it in their names.
_NAME = re.compile(r"([A-Za-z_][A-Za-z0-9_:]{0,79})(?:\[([0-9, ]+)\])?")
_PROGRAM = "program:"


@dataclass(frozen=True, slots=True)
class TagAddress:
    """`parts` are names and indices in order; `bit` is of the word that they name."""

    parts: tuple[str | int, ...]
    bit: int | None = None

    @property
    def index(self) -> int | None:
        """Of an element of a one-dimensional array, where the address ends with one."""
        last = self.parts[-1]
        one = isinstance(last, int) and not isinstance(self.parts[-2], int)
        return last if one and isinstance(last, int) else None


def parse_address(text: str) -> TagAddress:
    """Raises ValueError with a reason fit for a user."""
    names, bit = _without_bit(text.strip().split("."))
    parts: list[str | int] = []
    for name in names:
        found = _NAME.fullmatch(name)
        if found is None:
            raise ValueError(f"{name or 'an empty name'} is no name of a tag")
        parts += [found[1], *_indices(found[2])]
    if str(parts[0]).casefold().startswith(_PROGRAM) and len(parts) < 2:
        raise ValueError("a program without a tag")
    return TagAddress(tuple(parts), bit)


def _without_bit(names: list[str]) -> tuple[list[str], int | None]:
    if len(names) < 2 or not names[-1].isdecimal():
        return names, None
    if int(names[-1]) > MAX_BIT:
        raise ValueError(f"a bit is 0 to {MAX_BIT}")
    return names[:-1], int(names[-1])


def _indices(text: str | None) -> list[int]:
    if text is None:
        return []
    indices = [part.strip() for part in text.split(",")]
    if len(indices) > MAX_DIMENSIONS or not all(part.isdecimal() for part in indices):
        raise ValueError(f"[{text}] is no index")
    if any(int(part) > 0xFFFFFFFF for part in indices):
        raise ValueError(f"[{text}] is beyond any array")
    return [int(part) for part in indices]

"""Milk codes for the pools: `01` GTIN `21` serial(6) GS `93` check(4), 31 characters."""

from collections.abc import Callable
from hashlib import sha256
from itertools import count
from secrets import randbelow
from string import ascii_letters, digits

from domain.kernel.errors import ValidationFailed

# Takes a GTIN and an industry, returns a code that it never returned before.
NextCode = Callable[[str, str], str]

GS = "\x1d"
ALPHABET = digits + ascii_letters
SERIAL_LENGTH = 6
CHECK_LENGTH = 4
SERIALS = len(ALPHABET) ** SERIAL_LENGTH
# Shares no factor with SERIALS (2 and 31), so the serials visit every value once.
STRIDE = 35_742_549_199


class MilkCodes:
    """Unique for the life of one instance; a random start keeps two instances apart."""

    def __init__(self, start: int | None = None) -> None:
        self._numbers = count(randbelow(SERIALS) if start is None else start)

    def __call__(self, gtin: str, industry: str) -> str:
        """Raises ValidationFailed for another industry: its codes look different."""
        if industry != "milk":
            raise ValidationFailed("industry", f"no code generator for {industry}")
        serial = _base62(next(self._numbers) * STRIDE % SERIALS, SERIAL_LENGTH)
        proof = int.from_bytes(sha256(f"{gtin}{serial}".encode()).digest()[:8])
        return f"01{gtin}21{serial}{GS}93{_base62(proof, CHECK_LENGTH)}"


def gtin14(stem: str) -> str:
    """`stem` is 13 digits; the GS1 check digit (mod 10) is appended."""
    weighted = sum(
        int(digit) * (3 if place % 2 == 0 else 1) for place, digit in enumerate(reversed(stem))
    )
    return f"{stem}{-weighted % 10}"


def _base62(number: int, length: int) -> str:
    characters = []
    for _ in range(length):
        number, place = divmod(number, len(ALPHABET))
        characters.append(ALPHABET[place])
    return "".join(reversed(characters))

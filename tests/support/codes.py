"""Codes to scan in tests: valid ones, and one for each way of being none."""

from random import Random

from domain.production.codes import DEFAULT_CATALOGUE, generate_code

DOCUMENTED = "010460000000001721ABC123KRIPTO1234"
GTIN = "04600605032541"
OTHER_GTIN = "04607009780924"
BAD = "0104600605032541215B,LN"
TOO_SHORT = "12345"


def milk_codes(count: int, seed: int = 1, gtin: str | None = GTIN) -> list[str]:
    """Different codes with their GS, the same ones for the same seed."""
    random = Random(seed)
    milk = DEFAULT_CATALOGUE.profile("milk")
    codes = dict.fromkeys(generate_code(milk, random, gtin) for _ in range(count * 2))
    return list(codes)[:count]

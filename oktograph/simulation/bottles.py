"""What simulated scanners read: milk codes, and what goes wrong with some of them."""

import math
from collections.abc import Iterator
from dataclasses import dataclass
from random import Random
from typing import Final

from domain.production.codes import DEFAULT_CATALOGUE, generate_code
from drivers.scanners.simulation import Code, mangled

GTINS: Final = ("04600605032541", "04607009780924")
REMEMBERED: Final = 50
BAD: Final = 0.05
AGAIN: Final = 0.033
# What a gate and the sensor behind it need between two bottles that are rejected.
APART_S: Final = 1.0


@dataclass(frozen=True, slots=True)
class Bottle:
    """What the scanners at the infeed and at the gate read on it; None is a missed read."""

    infeed: Code
    gate: Code


def bottles(random: Random, rate: float = 0.0) -> Iterator[Bottle]:
    """Endless. One in thirty was put back on the belt and comes again; one in twenty is not read,
    misread or mislabelled, at `rate` bottles a second never sooner than APART_S after another."""
    recent: list[str] = []
    apart = math.ceil(rate * APART_S)
    since_bad = apart
    while True:
        chance = random.random()
        since_bad += 1
        if chance < AGAIN and recent:
            code = random.choice(recent)
            yield Bottle(code, code)
        elif chance > 1 - BAD and since_bad > apart:
            since_bad = 0
            yield _bad(random)
        else:
            code = _milk(random)
            recent = [*recent[-REMEMBERED:], code]
            yield Bottle(code, code)


def line_codes(random: Random) -> Iterator[Code]:
    """What one scanner alone reads."""
    return (bottle.infeed for bottle in bottles(random))


def _bad(random: Random) -> Bottle:
    """None of them is made a bottle at the infeed; the gate reads what there is to read."""
    code = _milk(random)
    torn = code[:-3]
    return random.choice(
        (Bottle(None, code), Bottle(mangled(code, random), code), Bottle(torn, torn))
    )


def _milk(random: Random) -> str:
    return generate_code(DEFAULT_CATALOGUE.profile("milk"), random, random.choice(GTINS))

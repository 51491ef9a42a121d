"""What a worn scanner reads."""

from collections.abc import Callable
from random import Random

from domain.production.codes import DEFAULT_CATALOGUE, generate_code
from oktograph.simulation.bottles import GTINS


def milk_codes() -> Callable[[], str]:
    """A fresh code each time."""
    random = Random()  # noqa: S311 - a simulation
    milk = DEFAULT_CATALOGUE.profile("milk")
    return lambda: generate_code(milk, random, random.choice(GTINS))

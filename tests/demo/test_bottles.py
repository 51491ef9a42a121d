"""What the demo's scanners read, and when the second one does."""

import asyncio
from collections.abc import Iterator
from itertools import islice, pairwise
from random import Random

import pytest

from domain.production.codes import ProfileCatalogue, read_code
from oktograph.demo.belt import Belt
from oktograph.simulation.bottles import APART_S, Bottle, bottles
from tests.support.waiting import eventually, unchanging

MILK = ProfileCatalogue()


def is_good(code: str | None) -> bool:
    return code is not None and read_code(code, "milk", MILK, 0).ok


@pytest.mark.parametrize("rate", [0.0, 5.0, 200.0])
def test_bad_bottles_are_no_bottles_and_never_too_close(rate: float) -> None:
    seen = list(islice(bottles(Random(4), rate), 20_000))
    bad = [at for at, one in enumerate(seen) if not is_good(one.infeed)]
    gaps = [after - before for before, after in pairwise(bad)]
    assert min(gaps) >= max(1, rate * APART_S)
    assert len(bad) > 20
    assert {seen[at].infeed is None for at in bad} == {True, False}
    good = [one for one in seen if is_good(one.infeed)]
    assert all(one.gate == one.infeed for one in good)
    again = len(good) - len({one.infeed for one in good})
    assert 0.02 < again / len(seen) < 0.05


def numbered() -> Iterator[Bottle]:
    return (Bottle(str(at), f"{at} later") for at in range(1_000_000))


async def test_a_bottle_is_at_the_gate_after_it_was_at_the_infeed() -> None:
    belt = Belt(numbered(), travel_s=0.05)
    infeed, gate = belt.at_infeed(), belt.at_gate()
    belt.begun.set()
    read: list[str | None] = []

    async def watch() -> None:
        while True:
            read.append(await anext(gate))

    watching = asyncio.create_task(watch())
    try:
        assert [await anext(infeed) for _ in range(3)] == ["0", "1", "2"]
        await eventually(lambda: len(read) == 2)
        # The third is not taken yet: it is still before the first scanner.
        await unchanging(lambda: len(read))
        assert read == ["0 later", "1 later"]
        belt.run(False)
        await anext(infeed)
        await unchanging(lambda: len(read))
        assert len(read) == 2
        belt.run(True)
        await eventually(lambda: len(read) == 3)
    finally:
        watching.cancel()
        await asyncio.wait({watching})
        await gate.aclose()
        await infeed.aclose()


async def test_what_nobody_was_there_to_read_has_gone_by(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("oktograph.demo.belt.LATE_S", 0.3)
    belt = Belt(numbered(), travel_s=0.0)
    infeed, gate = belt.at_infeed(), belt.at_gate()
    belt.begun.set()
    for _ in range(3):
        await anext(infeed)
    assert await anext(gate) == "0 later"
    before_s = belt.ran_s
    await eventually(lambda: belt.ran_s - before_s > 0.4)
    await anext(infeed)
    assert await anext(gate) == "2 later"
    await gate.aclose()
    await infeed.aclose()

"""However a history of states is cut up, shuffled and repeated on its way, what stands in the
tables at the end is what one clean delivery of the newest states leaves behind."""

from collections.abc import Sequence
from dataclasses import replace
from itertools import count
from random import Random
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from domain.sync.ports import EntityState
from tests.support.deliveries import AT, batch, bottle, pallet
from tests.support.factories import Factory

BOTTLES, BATCHES, PALLETS, VERSIONS = 12, 4, 2, 3
# Ids are unique in a database: every run of the example gets a world of its own.
worlds = count(1)

maybe_batch = st.none() | st.integers(0, BATCHES - 1)
maybe_pallet = st.none() | st.integers(0, PALLETS - 1)
bottle_history = st.lists(
    st.tuples(maybe_batch, st.sampled_from([0, 1, 2, 4, 5])), min_size=1, max_size=VERSIONS
)
batch_history = st.tuples(
    st.lists(maybe_pallet, min_size=1, max_size=VERSIONS), st.integers(0, VERSIONS)
)
histories = st.tuples(
    st.lists(bottle_history, min_size=1, max_size=BOTTLES),
    st.lists(batch_history, max_size=BATCHES),
    st.integers(0, PALLETS),
)


def timelines(drawn: Any) -> list[list[EntityState]]:
    """Each item's states, oldest first."""
    bottles, batches, pallets = drawn
    found: list[list[EntityState]] = [
        [
            bottle(number, version=version, batch=inside, status=status)
            for version, (inside, status) in enumerate(history, 1)
        ]
        for number, history in enumerate(bottles)
    ]
    for number, (history, completed) in enumerate(batches):
        states: list[EntityState] = []
        for version, inside in enumerate(history, 1):
            done = version > completed
            given: dict[str, Any] = {"status": "complete", "completed_at": AT} if done else {}
            states.append(batch(number, version=version, pallet=inside, **given))
        found.append(states)
    found.extend([pallet(number)] for number in range(pallets))
    return found


def in_world(state: EntityState, world: int) -> EntityState:
    changed: dict[str, Any] = {"id": _moved(state.id, world)}
    for link in ("batch_id", "pallet_id"):
        if getattr(state, link, None) is not None:
            changed[link] = _moved(getattr(state, link), world)
    return replace(state, **changed)


def _moved(key: str, world: int) -> str:
    return f"{world:04x}{key[4:]}"


def deliveries(lines: Sequence[Sequence[EntityState]], random: Random) -> list[list[EntityState]]:
    """Every state at least once, each delivery with an item at most once."""
    states = [state for line in lines for state in line]
    states += random.choices(states, k=random.randrange(len(states) + 1))
    random.shuffle(states)
    cut: list[list[EntityState]] = [[]]
    for state in states:
        if random.random() < 0.3 or state.id in {other.id for other in cut[-1]}:
            cut.append([])
        cut[-1].append(state)
    return cut


async def outcome(factory: Factory, ways: list[list[EntityState]]) -> str:
    """What the deliveries leave behind, as text in which no run differs by its ids."""
    world = next(worlds)
    mine = Factory(factory.database, factory.transactions, await factory.neighbour())
    for states in ways:
        receipt = await mine.take(*(in_world(state, world) for state in states))
        assert not receipt.rejected
    shown = repr(await mine.state()).replace(f"'{world:04x}", "'0000")
    return shown.replace(f"'customer_id': {mine.customer_id},", "")


@pytest.mark.timeout(300)
@given(drawn=histories, seed=st.integers(0, 2**32))
@settings(
    max_examples=30,
    deadline=None,
    suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow],
)
async def test_any_way_ends_in_the_same_tables(factory: Factory, drawn: Any, seed: int) -> None:
    lines = timelines(drawn)
    clean = await outcome(factory, [[line[-1] for line in lines]])
    assert await outcome(factory, deliveries(lines, Random(seed))) == clean

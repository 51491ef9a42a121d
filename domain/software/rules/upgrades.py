"""Ways through the graph of upgrades. A release without any way into it may go anywhere."""

import heapq
from collections import defaultdict
from collections.abc import Iterable, Mapping
from typing import Final, NamedTuple

from domain.kernel.errors import ValidationFailed
from domain.software.rules.versions import is_downgrade, rank

Cost = tuple[int, int]
_HERE: Final[Cost] = (0, 0)


class Edge(NamedTuple):
    from_version: str
    to_version: str


def edge(from_version: str, to_version: str) -> Edge:
    """Raises ValidationFailed for a way from a version to itself."""
    if from_version == to_version:
        raise ValidationFailed("fromVersion", "a version is not upgraded to itself")
    return Edge(from_version, to_version)


def plan(edges: Iterable[Edge], current: str, wanted: str | None = None) -> tuple[Edge, ...] | None:
    """The hops from `current` to `wanted`, None where there is no way, empty where it is there.

    Of all ways the one with the fewest downgrades, then the fewest hops, then the highest
    versions on the way. Without `wanted`: to the highest version that can be reached without any
    downgrade, which may be the current one.
    """
    known = sorted(set(edges))
    if wanted is None:
        known = [one for one in known if not is_downgrade(*one)]
        wanted = max(_reachable(known, current), key=rank)
    costs = _costs_to(known, wanted)
    if current not in costs:
        return None
    return tuple(_walk(known, costs, current, wanted))


def _walk(
    edges: list[Edge], costs: Mapping[str, Cost], current: str, wanted: str
) -> Iterable[Edge]:
    """Along cheapest ways only, which no cycle is part of."""
    onwards = _by_start(edges)
    while current != wanted:
        best = [
            one
            for one in onwards[current]
            if one.to_version in costs and _with(one, costs[one.to_version]) == costs[current]
        ]
        step = max(best, key=lambda one: rank(one.to_version))
        yield step
        current = step.to_version


def _costs_to(edges: Iterable[Edge], wanted: str) -> dict[str, Cost]:
    """For every version that has a way to `wanted`: (downgrades, hops) of its cheapest."""
    backwards: dict[str, list[Edge]] = defaultdict(list)
    for one in edges:
        backwards[one.to_version].append(one)
    costs: dict[str, Cost] = {}
    waiting: list[tuple[Cost, str]] = [(_HERE, wanted)]
    while waiting:
        cost, version = heapq.heappop(waiting)
        if version in costs:
            continue
        costs[version] = cost
        for one in backwards[version]:
            heapq.heappush(waiting, (_with(one, cost), one.from_version))
    return costs


def _reachable(edges: Iterable[Edge], current: str) -> set[str]:
    onwards = _by_start(edges)
    found, waiting = {current}, [current]
    while waiting:
        for one in onwards[waiting.pop()]:
            if one.to_version not in found:
                found.add(one.to_version)
                waiting.append(one.to_version)
    return found


def _by_start(edges: Iterable[Edge]) -> dict[str, list[Edge]]:
    found: dict[str, list[Edge]] = defaultdict(list)
    for one in edges:
        found[one.from_version].append(one)
    return found


def _with(one: Edge, cost: Cost) -> Cost:
    return cost[0] + is_downgrade(*one), cost[1] + 1

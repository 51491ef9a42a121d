"""The planner of the safe path, and the offer of one hop."""

from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from domain.kernel.errors import ValidationFailed
from domain.software.rules.offers import Candidate, OfferFilter, offered
from domain.software.rules.upgrades import Edge, edge, plan
from domain.software.rules.versions import Version, is_downgrade, is_version, rank

VERSIONS = st.sampled_from([f"{major}.{minor}.0" for major in range(1, 3) for minor in range(3)])
GRAPHS = st.lists(
    st.tuples(VERSIONS, VERSIONS).filter(lambda ends: ends[0] != ends[1]).map(lambda e: Edge(*e)),
    max_size=14,
)


def all_ways(edges: list[Edge], current: str, wanted: str) -> list[tuple[Edge, ...]]:
    """Every way that visits no version twice, by trying them all."""
    if current == wanted:
        return [()]
    found = []
    for one in set(edges):
        if one.from_version == current:
            rest = [other for other in edges if current not in other]
            found += [(one, *way) for way in all_ways(rest, one.to_version, wanted)]
    return found


def cost(way: tuple[Edge, ...]) -> tuple[int, int]:
    return sum(is_downgrade(*one) for one in way), len(way)


@given(GRAPHS, VERSIONS, VERSIONS)
def test_the_way_is_as_cheap_as_any(edges: list[Edge], current: str, wanted: str) -> None:
    found = plan(edges, current, wanted)
    ways = all_ways(edges, current, wanted)
    if found is None:
        assert not ways
        return
    assert cost(found) == min(map(cost, ways))
    assert set(found) <= set(edges)
    stops = [current, *(one.to_version for one in found)]
    assert stops[-1] == wanted
    assert all(one.to_version == other.from_version for one, other in pairwise(found))
    assert len(set(stops)) == len(stops)


@given(GRAPHS, VERSIONS)
def test_without_a_goal_it_climbs_as_high_as_it_can(edges: list[Edge], current: str) -> None:
    found = plan(edges, current)
    assert found is not None
    assert not any(is_downgrade(*one) for one in found)
    reached = found[-1].to_version if found else current
    for version in {one.to_version for one in edges}:
        ways = all_ways(edges, current, version)
        if any(cost(way)[0] == 0 for way in ways):
            assert rank(reached) >= rank(version)


@given(GRAPHS, VERSIONS, VERSIONS, st.randoms())
def test_the_order_of_the_edges_does_not_matter(edges, current, wanted, random) -> None:  # type: ignore[no-untyped-def]
    shuffled = list(edges)
    random.shuffle(shuffled)
    assert plan(shuffled, current, wanted) == plan(edges, current, wanted)


def test_a_longer_way_up_is_safer_than_a_short_one_down() -> None:
    short = [Edge("1.0.0", "3.0.0"), Edge("3.0.0", "2.0.0")]
    long = [Edge("1.0.0", "1.1.0"), Edge("1.1.0", "1.2.0"), Edge("1.2.0", "2.0.0")]
    assert plan(short + long, "1.0.0", "2.0.0") == tuple(long)
    assert plan(short, "1.0.0", "2.0.0") == tuple(short)


def test_a_way_to_itself_is_refused() -> None:
    with pytest.raises(ValidationFailed):
        edge("1.0.0", "1.0.0")


def test_precedence_as_semver_has_it() -> None:
    rising = "1.0.0-alpha 1.0.0-alpha.1 1.0.0-alpha.beta 1.0.0-beta 1.0.0-beta.2 1.0.0-beta.11 "
    rising += "1.0.0-rc.1 1.0.0 1.0.1 1.1.0 2.0.0 10.0.0"
    versions = [Version(text) for text in rising.split()]
    assert sorted(versions, reverse=True) == versions[::-1]
    assert Version("1.0.0+a") == Version("1.0.0+b")


@pytest.mark.parametrize(
    "text", ["", "1", "1.2", "01.2.3", "1.2.3-", "1.2.3-01", "v1.2.3", "1.2.3\n", "1.2.3+", "١.2.3"]
)
def test_what_is_no_version(text: str) -> None:
    assert not is_version(text)


def test_an_offer_is_the_highest_that_may_be_installed_over_the_current_one() -> None:
    def candidate(version: str, **changes: object) -> Candidate:
        return Candidate(version, frozenset({"1.0.0"}), **changes)  # type: ignore[arg-type]

    later = (OfferFilter(matches=True, active_from_us=11),)
    good = candidate("1.1.0")
    candidates = [
        good,
        candidate("1.0.5"),
        candidate("1.2.0", is_suspended=True),
        candidate("1.3.0", is_general=False),
        candidate("1.4.0", is_general=False, filters=(OfferFilter(matches=False),)),
        candidate("1.5.0", is_general=False, filters=later),
        candidate("1.6.0", needs_file=True),
        Candidate("9.0.0", frozenset({"1.1.0"})),
    ]
    assert offered(candidates, "1.0.0", now_us=10) == good
    assert offered(candidates, "1.0.0", now_us=11) == candidates[5]
    assert offered([candidate("1.6.0", needs_file=True, has_file=True)], "1.0.0", 0)
    assert offered(candidates, "8.0.0", now_us=10) is None

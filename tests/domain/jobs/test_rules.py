"""What a job is, held against a plain reading of its definition."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from domain.jobs.rows import ReadRow
from domain.jobs.rules import OpenJob


def reads(*codes: str) -> list[ReadRow]:
    return [ReadRow(str(place), place, code) for place, code in enumerate(codes)]


def found(codes: list[str], start: str = "S", end: str = "E") -> list[tuple[int, int]]:
    return [(job.start_us, job.end_us) for job in OpenJob(start, end).ended(reads(*codes))]


@pytest.mark.parametrize(
    ("codes", "jobs"),
    [
        ([], []),
        (["S"], []),
        (["E"], []),
        (["S1", "x", "E1"], [(0, 2)]),
        (["S", "S", "E"], [(1, 2)]),
        (["S", "E", "E"], [(0, 1)]),
        (["S", "E", "S", "E"], [(0, 1), (2, 3)]),
        (["E", "S", "E", "S"], [(1, 2)]),
        (["xS", "xE", "s", "e"], []),
    ],
)
def test_from_a_start_to_the_next_end(codes: list[str], jobs: list[tuple[int, int]]) -> None:
    assert found(codes) == jobs


def test_one_barcode_begins_and_ends_in_turn() -> None:
    assert found(["A", "A", "A", "A", "A"], "A", "A") == [(0, 1), (2, 3)]


def test_what_fits_both_ends_what_is_open() -> None:
    assert found(["12", "123", "1", "2"], "1", "12") == [(0, 1)]
    assert found(["1", "12", "12", "1"], "12", "1") == [(1, 2)]


def by_definition(codes: list[str]) -> list[tuple[int, int]]:
    """Each end with the last start before it that no other end has come after."""
    jobs, last_end = [], -1
    for place, code in enumerate(codes):
        if code != "E":
            continue
        starts = [at for at in range(last_end + 1, place) if codes[at] == "S"]
        jobs += [(starts[-1], place)] if starts else []
        last_end = place
    return jobs


@given(st.lists(st.sampled_from(["S", "E", "x"]), max_size=60))
def test_any_sequence(codes: list[str]) -> None:
    assert found(codes) == by_definition(codes)


@given(st.lists(st.sampled_from(["S", "E", "x"]), max_size=60), st.integers(0, 60))
def test_behind_an_end_it_goes_on_as_if_nothing_had_been(codes: list[str], cut: int) -> None:
    whole = found(codes)
    ends = [end for _, end in whole if end < cut]
    if ends:
        rest = OpenJob("S", "E").ended(reads(*codes)[ends[-1] + 1 :])
        assert [(job.start_us, job.end_us) for job in rest] == whole[len(ends) :]

"""Which tags are read together: neighbours in one table, within bounds; pure."""

from collections.abc import Collection, Mapping, Sequence
from itertools import groupby

from drivers.plcs.modbus.places import Place
from drivers.plcs.modbus.settings import ModbusSettings
from drivers.plcs.tags import TagBinding

BITS_PER_REGISTER = 16


def blocks(
    bindings: Sequence[TagBinding],
    places: Mapping[str, Place],
    limits: ModbusSettings,
    unbridged: Collection[str] = (),
) -> list[list[TagBinding]]:
    """In each block one request spans all tags. What lies between two tags is read along where it
    is little; never beside a tag of `unbridged`, whose neighbourhood the unit has refused."""
    by_place = sorted(bindings, key=lambda b: (places[b.name].table, places[b.name].first))
    found = []
    for _, of_table in groupby(by_place, key=lambda b: places[b.name].table):
        found += _in_table(list(of_table), places, limits, unbridged)
    return found


def span(places: Sequence[Place]) -> tuple[int, int]:
    """The first bit or register, and how many."""
    first = min(place.first for place in places)
    return first, max(place.end for place in places) - first


def _in_table(
    bindings: Sequence[TagBinding],
    places: Mapping[str, Place],
    limits: ModbusSettings,
    unbridged: Collection[str],
) -> list[list[TagBinding]]:
    of_bits = places[bindings[0].name].table.of_bits
    most = limits.max_bits if of_bits else limits.max_registers
    gap = limits.max_gap * (BITS_PER_REGISTER if of_bits else 1)
    found: list[list[TagBinding]] = []
    first = end = 0
    for binding in bindings:
        place = places[binding.name]
        bridged = binding.name not in unbridged and (
            not found or found[-1][-1].name not in unbridged
        )
        near = place.first <= end + (gap if bridged else 0)
        if found and near and place.end - first <= most:
            found[-1].append(binding)
            end = max(end, place.end)
        else:
            found.append([binding])
            first, end = place.first, place.end
    return found

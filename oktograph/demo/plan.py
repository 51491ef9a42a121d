"""What the demo's line does with its readings, declared; and how much of it there is where people
have configured something else."""

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from typing import Any, Final

from domain.line.models import HardwareKind
from oktograph.demo.labels import PRINT_BATCH, PRINT_PALLET
from oktograph.edge.hardware import Documents
from oktograph.simulation.scanners import LINE

Json = dict[str, Any]
INFEED: Final = 0
GATE: Final = 1
GATE_PLC: Final = "gate"
FILLER_PLC: Final = "filler"
PLAN: Final[Json] = {
    "id": LINE,
    "stations": [
        {"scanner": INFEED, "accept": [{"tag": "accept", "pulseMs": 60}]},
        {
            "scanner": GATE,
            "reject": {
                "tag": "reject",
                "pulseMs": 80,
                # The gate stands behind the scanner: 30 cm, at a millimetre a pulse.
                "encoder": "belt",
                "afterPulses": 300,
                "feedback": {"tag": "bin", "withinMs": 3_000},
            },
        },
    ],
    "stop": {"tag": "stop"},
    "stopOn": ["PRINTER_OUT_OF_MEDIA"],
    # More often than the demo's bottles are ever misread.
    "noReads": {"count": 10, "withinS": 6},
    "printBatch": PRINT_BATCH,
    "printPallet": PRINT_PALLET,
    "buttons": {"start": "start", "stop": "stop", "acknowledge": "acknowledge"},
}


@dataclass(frozen=True, slots=True)
class _Found:
    """What an order may name. Lists: what people send need not be hashable."""

    tags: list[object]
    scanners: list[object]
    buttons: list[object]
    printers: list[object]


def fitted(own: Documents) -> Callable[[Documents], Documents]:
    """Cuts the demo's own bindings and plan to what is there: whoever takes a controller or a
    scanner of the demo away need not know of them. What people have declared themselves stays as
    it is, and is held to what it names."""

    def fit(documents: Documents) -> Documents:
        found = dict(documents)
        kind = HardwareKind.PLC_BINDINGS
        if kind in own and found.get(kind) == own[kind]:
            plcs = _values(found, HardwareKind.PLCS, "id")
            found[kind] = [one for one in own[kind] if one["plc"] in plcs]
        if HardwareKind.LINES in own and found.get(HardwareKind.LINES) == own[HardwareKind.LINES]:
            present = _present(found, own)
            found[HardwareKind.LINES] = [_cut(plan, present) for plan in own[HardwareKind.LINES]]
        return found

    return fit


def _present(documents: Documents, own: Documents) -> _Found:
    ours = [_binding(one) for one in own.get(HardwareKind.PLC_BINDINGS, ())]
    plcs = _values(documents, HardwareKind.PLCS, "id")
    bound = [one for one in _items(documents, HardwareKind.PLC_BINDINGS) if _binding(one) in ours]
    on_line = [
        one
        for one in _items(documents, HardwareKind.SCANNERS)
        if LINE in (one.get("lineId"), one.get("line_id"))
    ]
    panel = documents.get(HardwareKind.GPIO)
    buttons = panel.get("buttons") if isinstance(panel, Mapping) else None
    return _Found(
        tags=[one["name"] for one in bound if one["plc"] in plcs],
        scanners=[one.get("index") for one in on_line],
        buttons=[one.get("name") for one in _mappings(buttons)],
        printers=_values(documents, HardwareKind.PRINTERS, "index"),
    )


def _cut(plan: Json, found: _Found) -> Json:
    buttons = {what: name for what, name in plan["buttons"].items() if name in found.buttons}
    cut = plan | {
        "stations": [
            _station(s, found) for s in plan["stations"] if s["scanner"] in found.scanners
        ],
        "buttons": buttons,
    }
    gone = [name for name in ("stop", "run") if name in cut and not _has(cut[name], found)]
    gone += [
        name
        for name in ("printBatch", "printPallet")
        if name in cut and cut[name]["printer"] not in found.printers
    ]
    return {name: part for name, part in cut.items() if name not in gone}


def _station(station: Json, found: _Found) -> Json:
    cut = dict(station)
    if "accept" in cut:
        cut["accept"] = [output for output in cut["accept"] if _has(output, found)]
    if "reject" in cut and not _has(cut["reject"], found):
        del cut["reject"]
    return cut


def _has(output: Json, found: _Found) -> bool:
    feedback = output.get("feedback", {})
    names = (output["tag"], output.get("encoder"), feedback.get("tag"))
    return all(name is None or name in found.tags for name in names)


def _binding(one: Mapping[str, Any]) -> list[object]:
    return [one.get(name) for name in ("name", "plc", "access")]


def _items(documents: Documents, kind: HardwareKind) -> list[Mapping[str, Any]]:
    return _mappings(documents.get(kind))


def _values(documents: Documents, kind: HardwareKind, name: str) -> list[object]:
    return [one.get(name) for one in _items(documents, kind)]


def _mappings(items: object) -> list[Mapping[str, Any]]:
    """What people configure is judged by others; here it only must not break anything."""
    if not isinstance(items, Iterable):
        return []
    return [one for one in items if isinstance(one, Mapping)]

"""What a server shows of what it has."""

import pytest

from drivers.plcs.opc_ua import browsing
from drivers.plcs.tags import TagInfo
from tests.support.opc_ua import OpcUaPeer, simulated
from tests.support.plcs import plc_rig, running

NODES = [
    {"name": "Line.Run", "type": "BOOL", "description": "the line runs", "writable": False},
    {"name": "Line.Press.Speed", "type": "REAL"},
    {"name": "Line.Press.Recipe.Name", "type": "STRING"},
    {"name": "Counts", "type": "UDINT", "is_array": True},
]


async def test_variables_with_type_rights_and_name() -> None:
    async with running(OpcUaPeer(simulated(nodes=NODES))) as peer, plc_rig(peer, ("run",)) as rig:
        assert await rig.plc.browse() == [
            TagInfo("ns=2;s=Counts", "UDINT[]", None, "Counts", True),
            TagInfo("ns=2;s=Line.Run", "BOOL", "run", "the line runs", False),
            TagInfo("ns=2;s=Line.Press.Speed", "REAL", None, "Line.Press.Speed", True),
            TagInfo(
                "ns=2;s=Line.Press.Recipe.Name", "STRING", None, "Line.Press.Recipe.Name", True
            ),
        ]


async def test_it_ends_somewhere(monkeypatch: pytest.MonkeyPatch) -> None:
    async with running(OpcUaPeer(simulated(nodes=NODES))) as peer, plc_rig(peer, ("run",)) as rig:
        monkeypatch.setattr(browsing, "MAX_DEPTH", 2)
        assert [each.address for each in await rig.plc.browse()] == [
            "ns=2;s=Counts",
            "ns=2;s=Line.Run",
        ]
        monkeypatch.setattr(browsing, "MAX_VARIABLES", 1)
        assert [each.address for each in await rig.plc.browse()] == ["ns=2;s=Counts"]

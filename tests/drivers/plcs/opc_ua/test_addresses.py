"""Node ids as people write them, against the library's own reading of them."""

import uuid

import pytest
from asyncua import ua

from drivers.plcs.opc_ua.addresses import NodeAddress
from drivers.plcs.opc_ua.client import node_id

GUID = "72962b91-fa75-4ae6-8d28-b404dc7daf63"


@pytest.mark.parametrize(
    ("text", "namespace", "identifier"),
    [
        ("i=2258", 0, 2258),
        ("ns=2;s=Line.Reject", 2, "Line.Reject"),
        ('ns=3;s="DB_Line"."Reject"', 3, '"DB_Line"."Reject"'),
        ("ns=4;s=|var|PLC.Application.GVL.a;b=c", 4, "|var|PLC.Application.GVL.a;b=c"),
        ("ns=65535;i=4294967295", 65535, 4294967295),
        (f"ns=1;g={GUID}", 1, uuid.UUID(GUID)),
        ("ns=1;b=AQIDBA==", 1, b"\x01\x02\x03\x04"),
        ("nsu=urn:line:press;s=Reject", "urn:line:press", "Reject"),
        ("nsu=http://a.example/UA%3Bx%25/;i=7", "http://a.example/UA;x%/", 7),
    ],
)
def test_what_is_read(text: str, namespace: int | str, identifier: object) -> None:
    address = NodeAddress.parse(text)
    assert (address.namespace, address.identifier) == (namespace, identifier)
    if isinstance(namespace, int):
        assert node_id(address.identifier, namespace) == ua.NodeId.from_string(text)


@pytest.mark.parametrize(
    "text",
    [
        "",
        "Line.Reject",
        "ns=2",
        "ns=2;s=",
        "ns=x;s=a",
        "ns=65536;s=a",
        "ns=-1;s=a",
        "s=a\n",
        "i=-1",
        "i=1.5",
        "i=4294967296",
        "i=٣",
        "ns=1;g=not-a-guid",
        "ns=1;b=%%%",
        "nsu=;s=a",
        "ns=1;x=a",
        "ns=1;ns=2;s=a",
    ],
)
def test_what_is_refused(text: str) -> None:
    with pytest.raises(ValueError, match=r"node id|namespace index|no identifier"):
        NodeAddress.parse(text)

"""What is EtherNet/IP's own: types, texts, shared connections, and peers that misbehave."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

import pytest

from domain.kernel.errors import UpstreamFailed, ValidationFailed
from drivers.connections import Connections
from drivers.link import LinkState
from drivers.plcs.ethernet_ip.cip import ManagerService, Service
from drivers.plcs.ethernet_ip.driver import build
from drivers.plcs.ethernet_ip.simulation import (
    EthernetIpSimulatorConfig,
    SimulatedFaults,
    SimulatedTag,
)
from drivers.plcs.ethernet_ip.simulator import EthernetIpSimulator
from drivers.plcs.port import PlcConfig, PlcPort
from drivers.plcs.tags import Quality, Scalar, TagBinding, TagType
from tests.support.ethernet_ip import bound, config_at, driven, no_threads
from tests.support.plcs import Told
from tests.support.waiting import DEADLINE_S, eventually

RANGES: dict[TagType, tuple[Scalar, Scalar]] = {
    TagType.BOOL: (False, True),
    TagType.SINT: (-(2**7), 2**7 - 1),
    TagType.INT: (-(2**15), 2**15 - 1),
    TagType.DINT: (-(2**31), 2**31 - 1),
    TagType.LINT: (-(2**63), 2**63 - 1),
    TagType.USINT: (0, 2**8 - 1),
    TagType.UINT: (0, 2**16 - 1),
    TagType.UDINT: (0, 2**32 - 1),
    TagType.ULINT: (0, 2**64 - 1),
    TagType.REAL: (-1.5, 2.0**100),
    TagType.LREAL: (-1e-300, 1e300),
    TagType.STRING: ("", "every byte \x01\xff~"),
}


@asynccontextmanager
async def rig(
    tags: list[SimulatedTag], bindings: list[TagBinding], **simulated: Any
) -> AsyncIterator[tuple[EthernetIpSimulator, PlcPort, Told]]:
    """Connected and read once."""
    config = EthernetIpSimulatorConfig(tags=tags, **simulated)
    async with (
        EthernetIpSimulator(config) as simulator,
        driven(simulator.port, bindings) as (plc, task, told),
    ):
        await task.wait_for_state(LinkState.CONNECTED, DEADLINE_S)
        await eventually(lambda: len(told.values) >= len(bindings))
        yield simulator, plc, told


@pytest.mark.parametrize("kind", RANGES, ids=str)
@pytest.mark.parametrize("several", [True, False], ids=["together", "alone"])
async def test_every_type(kind: TagType, several: bool) -> None:
    length = {"length": 82} if kind is TagType.STRING else {}
    tags = [
        SimulatedTag(name="PLAIN", type=kind),
        SimulatedTag(name="Program:Main.LIST", type=kind, dimensions=(70,)),
    ]
    places = {"plain": "PLAIN", "first": "program:main.list[0]", "last": "Program:Main.LIST[69]"}
    bindings = [bound(name, place, kind, **length) for name, place in places.items()]
    async with rig(tags, bindings, takes_several=several) as (simulator, plc, told):
        for value in RANGES[kind]:
            for name, place in places.items():
                assert (await plc.write(name, value)).value == value
                assert simulator.value(place) == value
                await told.has(name, value)
        assert [each.value for each in await plc.read(list(places))] == [RANGES[kind][1]] * 3


async def test_integers_of_one_size_are_bound_as_one_likes() -> None:
    tags = [SimulatedTag(name="D", values=(-1,)), SimulatedTag(name="U", type=TagType.USINT)]
    bindings = [bound("d", "D", TagType.UDINT), bound("u", "U", TagType.SINT)]
    async with rig(tags, bindings) as (simulator, plc, told):
        assert told.of("d") == [(2**32 - 1, Quality.GOOD)]
        await plc.write("d", 2**31)
        await plc.write("u", -1)
        assert (simulator.value("D"), simulator.value("U")) == (-(2**31), 255)


@pytest.mark.parametrize("kind", ["SINT", "USINT", "INT", "UINT", "DINT", "UDINT", "LINT"])
async def test_bits_of_words(kind: str) -> None:
    word = TagType(kind)
    bits = {"SINT": 8, "USINT": 8, "INT": 16, "UINT": 16, "LINT": 64}.get(kind, 32)
    bindings = [bound("low", "W.0", TagType.BOOL), bound("top", f"W.{bits - 1}", TagType.BOOL)]
    async with rig([SimulatedTag(name="W", type=word, values=(6,))], bindings) as (sim, plc, told):
        await plc.write("top", True)
        await plc.write("low", True)
        await told.has("top", True)
        raw = int.from_bytes(sim.memory.tags["w"].data, "little")
        assert raw == 1 << bits - 1 | 7
        await plc.write("top", False)
        assert sim.value("W") == 7
        assert sim.served[Service.WRITE_TAG] == 0


async def test_texts_in_bytes() -> None:
    tags = [SimulatedTag(name="CODE", type=TagType.SINT, dimensions=(40,))]
    bindings = [bound("code", "CODE", TagType.STRING, length=30)]
    async with rig(tags, bindings) as (simulator, plc, told):
        assert told.of("code") == [("", Quality.GOOD)]
        for value in ("x" * 30, "short\x1dGS"):
            await plc.write("code", value)
            await told.has("code", value)
        assert simulator.values("CODE")[8:] == (0,) * 32


async def test_what_does_not_agree_is_bad_alone() -> None:
    tags = [
        SimulatedTag(name="D", values=(1,)),
        SimulatedTag(name="R", type=TagType.REAL),
        SimulatedTag(name="T", type=TagType.STRING),
        SimulatedTag(name="A", dimensions=(4,)),
        SimulatedTag(name="RO", values=(7,), writable=False),
    ]
    wrong = {
        "real": bound("real", "D", TagType.REAL),
        "short": bound("short", "D", TagType.INT),
        "truth": bound("truth", "D", TagType.BOOL),
        "whole": bound("whole", "R", TagType.DINT),
        "number": bound("number", "T", TagType.DINT),
        "text": bound("text", "R", TagType.STRING, length=4),
        "beyond": bound("beyond", "A[4]"),
        "bit": bound("bit", "D.40", TagType.BOOL),
        "member": bound("member", "D.X"),
        "element": bound("element", "A[0]", TagType.BOOL),
    }
    bindings = [bound("good", "D"), *wrong.values(), bound("ro", "RO"), bound("a", "A[3]")]
    async with rig(tags, bindings) as (simulator, plc, told):
        for name in wrong:
            assert told.of(name) == [(None, Quality.BAD)], name
        assert told.of("good") == [(1, Quality.GOOD)]
        assert told.of("ro") == [(7, Quality.GOOD)]
        before = {name: bytes(tag.data) for name, tag in simulator.memory.tags.items()}
        for name, binding in wrong.items():
            value: Scalar = "x" if binding.type is TagType.STRING else True
            value = value if binding.type in (TagType.BOOL, TagType.STRING) else 1
            with pytest.raises(UpstreamFailed, match=name):
                await plc.write(name, value)
        with pytest.raises(UpstreamFailed, match="not permitted"):
            await plc.write("ro", 1)
        assert {name: bytes(tag.data) for name, tag in simulator.memory.tags.items()} == before
        await plc.write("good", 2)
        await told.has("good", 2)


async def test_a_status_is_the_tags_and_not_the_links() -> None:
    async with rig([SimulatedTag(name="D", values=(1,))], [bound("d", "D")]) as (sim, plc, told):
        sim.faults = SimulatedFaults(status=0x10)
        await told.has("d", 1, Quality.BAD)
        with pytest.raises(UpstreamFailed, match="not in this state of the device"):
            await plc.read(["d"])
        sim.faults = SimulatedFaults()
        assert (await plc.read(["d"]))[0].value == 1
        assert sim.called_count == 1


@pytest.mark.parametrize("size", [4002, 504])
async def test_a_thousand_tags_fit_their_connection(size: int) -> None:
    """No answer is refused for its size, and there are far fewer requests than tags."""
    tags = [
        SimulatedTag(name=f"A_TAG_WITH_A_NAME_OF_SOME_LENGTH_{n}", type=kind, values=(value,))
        for n, (kind, value) in enumerate(
            [(TagType.LREAL, 1.5), (TagType.STRING, "x" * 82), (TagType.BOOL, True)] * 100
        )
    ]
    bindings = [
        bound(
            f"t{n}",
            tag.name,
            tag.type,
            poll_interval_s=3600,
            **({"length": 82} if tag.type is TagType.STRING else {}),
        )
        for n, tag in enumerate(tags)
    ]
    async with rig(tags, bindings, connection_bytes=size) as (simulator, plc, told):
        assert all(each.quality is Quality.GOOD for each in told.values)
        assert simulator.served[Service.MULTIPLE_SERVICE] < 300
        assert plc.counters()["refused"] == 0


async def test_two_controllers_at_one_place_share_its_connection() -> None:
    config = EthernetIpSimulatorConfig(tags=[SimulatedTag(name="D", values=(1,))])
    connections = Connections()
    async with EthernetIpSimulator(config) as simulator:
        port, bindings = simulator.port, [bound("d", "D")]
        async with driven(port, bindings, connections=connections) as (_, task, told):
            await told.has("d", 1)
            async with driven(port, bindings, connections=connections, id="b") as (_, _, other):
                await other.has("d", 1)
                assert (simulator.called_count, simulator.peer_count) == (1, 1)
            simulator.set("D", 2)
            await told.has("d", 2)
            assert task.snapshot().state is LinkState.CONNECTED
            assert simulator.called_count == 1
        await simulator.peers(0)
        assert simulator.managed[ManagerService.FORWARD_CLOSE] == 1


async def test_nothing_in_that_slot() -> None:
    config = EthernetIpSimulatorConfig(slot=0, tags=[SimulatedTag(name="D")])
    async with (
        EthernetIpSimulator(config) as simulator,
        driven(simulator.port, [bound("d", "D")], ethernet_ip={"slot": 5}) as (_, task, told),
    ):
        await task.wait_for_state(LinkState.LOST, DEADLINE_S)
        assert "nothing answers in that slot" in str(task.snapshot().last_error)
        assert told.values == []


async def test_a_device_that_takes_no_connections() -> None:
    config = EthernetIpSimulatorConfig(connected=False, tags=[SimulatedTag(name="D")])
    async with (
        EthernetIpSimulator(config) as simulator,
        driven(simulator.port, [bound("d", "D")]) as (_, task, _),
    ):
        await task.wait_for_state(LinkState.LOST, DEADLINE_S)
        assert "the service is not supported" in str(task.snapshot().last_error)


@pytest.mark.parametrize(
    ("of_the_device", "asked", "large", "small"),
    [(4002, 4002, 1, 0), (504, 4002, 1, 1), (4002, 504, 0, 1)],
)
async def test_the_size_of_a_connection(
    of_the_device: int, asked: int, large: int, small: int
) -> None:
    tags = [SimulatedTag(name="D", values=(1,))]
    config = EthernetIpSimulatorConfig(tags=tags, connection_bytes=of_the_device)
    settings: dict[str, Any] = {"ethernet_ip": {"connection_bytes": asked}}
    async with (
        EthernetIpSimulator(config) as simulator,
        driven(simulator.port, [bound("d", "D")], **settings) as (_, _, told),
    ):
        await told.has("d", 1)
        assert simulator.managed[ManagerService.LARGE_FORWARD_OPEN] == large
        assert simulator.managed[ManagerService.FORWARD_OPEN] == small


async def test_the_peer_says_who_it_is() -> None:
    config = EthernetIpSimulatorConfig(identity={"product": "Line PLC", "major": 33, "minor": 11})
    async with (
        EthernetIpSimulator(config) as simulator,
        driven(simulator.port, []) as (_, task, _),
    ):
        await task.wait_for_state(LinkState.CONNECTED, DEADLINE_S)
        assert task.snapshot().peer == f"Line PLC 33.11 at 127.0.0.1:{simulator.port}"


async def test_frames_around_noise() -> None:
    async with rig([SimulatedTag(name="D", values=(1,))], [bound("d", "D")]) as (sim, _, told):
        sim.faults = SimulatedFaults(scrambled=True)
        await told.has("d", 1, Quality.BAD)
        sim.faults = SimulatedFaults()
        await told.has("d", 1)
        assert sim.called_count > 1


async def test_browsing_shows_what_is_there_and_what_is_bound_within() -> None:
    tags = [
        SimulatedTag(name="D"),
        SimulatedTag(name="A", type=TagType.INT, dimensions=(300,)),
        SimulatedTag(name="M", type=TagType.REAL, dimensions=(2, 3)),
        SimulatedTag(name="B", type=TagType.BOOL, dimensions=(64,)),
        SimulatedTag(name="T", type=TagType.STRING),
        SimulatedTag(name="U", type=TagType.ULINT),
        SimulatedTag(name="Program:Main.X", type=TagType.BOOL),
    ]
    bindings = [bound("d", "d"), bound("a", "A[3]", TagType.INT), bound("nope", "NOPE")]
    async with rig(tags, bindings) as (_, plc, _):
        places = {place.address: (place.type, place.name) for place in await plc.browse()}
    assert places == {
        "D": ("DINT", "d"),
        "A": ("INT[300]", None),
        "M": ("REAL[,]", None),
        "B": ("BOOL[64]", None),
        "T": ("STRING", None),
        "U": ("ULINT", None),
        "Program:Main.X": ("BOOL", None),
        "A[3]": ("INT", "a"),
    }


@pytest.mark.parametrize(
    ("field", "binding"),
    [
        ("bindings.x.address", {"address": "A[1"}),
        ("bindings.x.address", {"address": "A.3", "type": "DINT"}),
        ("bindings.x.address", {"address": "Program:Main"}),
        ("bindings.x.byte_order", {"address": "A", "byte_order": "LITTLE"}),
        ("bindings.x.byte_order", {"address": "A", "word_order": "LITTLE"}),
    ],
)
def test_bindings_that_cannot_be(field: str, binding: dict[str, Any]) -> None:
    wrong = TagBinding.model_validate({"name": "x", "plc": "press", "type": "INT", **binding})
    with pytest.raises(ValidationFailed) as refused:
        build(config_at(1), [wrong], Told(), Connections())
    assert refused.value.details["field"] == field


def test_a_controller_without_a_host() -> None:
    config = PlcConfig(id="press", protocol="ETHERNET_IP")
    with pytest.raises(ValidationFailed) as refused:
        build(config, [], Told(), Connections())
    assert refused.value.details["field"] == "plcs.press.host"


async def test_no_thread_is_left_behind() -> None:
    config = EthernetIpSimulatorConfig(tags=[SimulatedTag(name="D", values=(1,))])
    async with EthernetIpSimulator(config) as simulator:
        for _ in range(3):
            async with driven(simulator.port, [bound("d", "D")]) as (_, _, told):
                await told.has("d", 1)
        await simulator.peers(0)
    await no_threads()

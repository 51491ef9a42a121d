"""What a server publishes, and what becomes of it on the way."""

import asyncio
from collections.abc import AsyncIterator
from typing import Any

import pytest
from structlog.testing import capture_logs

from domain.kernel.clock import SystemClock
from domain.kernel.errors import UpstreamFailed, ValidationFailed
from drivers.connections import Connections
from drivers.link import LinkState
from drivers.plcs.opc_ua import monitor
from drivers.plcs.opc_ua.driver import build
from drivers.plcs.opc_ua.simulation import SimulatedNode
from drivers.plcs.port import PlcPort, parse_bindings
from drivers.plcs.tags import Quality, TagBinding, TagType, TagValue
from drivers.supervised import SupervisedTask
from tests.support.opc_ua import OpcUaPeer, nodes, simulated
from tests.support.plcs import HASTE_S, HASTY, QUICK, Told, plc_config, plc_rig, running
from tests.support.waiting import DEADLINE_S, eventually, unchanging

GOOD, BAD = Quality.GOOD, Quality.BAD
# Longer than any test: what is written or read does not wait for it.
NEVER_S = 60.0


@pytest.fixture
async def peer() -> AsyncIterator[OpcUaPeer]:
    more = [
        {"name": "Line.Recipe", "type": "STRING", "value": "молоко"},
        {"name": "Line.Ramp", "type": "LREAL"},
        {"name": "Line.Array", "type": "INT", "is_array": True},
        {"name": "Line.Pulses", "type": "UDINT"},
    ]
    encoder = {"node": "Line.Pulses", "pulses_per_s": 500}
    peer = OpcUaPeer(simulated(nodes=[*nodes(), *more], encoder=encoder))
    async with running(peer):
        yield peer


class bound:  # noqa: N801  # reads as what it does
    """A driver of these tags alone, under supervision while entered."""

    def __init__(
        self, peer: OpcUaPeer, *tags: dict[str, Any], is_hasty: bool = False, **settings: Any
    ) -> None:
        own = {**peer.settings["opc_ua"], **settings}
        self.config = plc_config(peer, opc_ua=own, **(HASTY if is_hasty else {}))
        common = {"plc": self.config.id, "access": "READ"}
        self.bindings = parse_bindings([{**common, **tag} for tag in tags], [self.config])
        self.told = Told()
        self.listener: Any = self.told

    async def __aenter__(self) -> "bound":
        arguments = (self.bindings, self.listener, Connections(), SystemClock())
        self.plc: PlcPort = build(self.config, *arguments)
        self.task = SupervisedTask(self.config.key, self.plc, backoff=QUICK)
        self.task.start()
        await self.task.wait_for_state(LinkState.CONNECTED, DEADLINE_S)
        return self

    async def __aexit__(self, *_: object) -> None:
        await self.task.stop()

    async def followed(self, peer: OpcUaPeer) -> None:
        """The server has the subscription and its items."""
        await eventually(lambda: self.plc.counters()["publishings"] > 0)
        assert peer.simulator.subscription_count == 1


def tag(name: str, kind: str, **more: Any) -> dict[str, Any]:
    return {"name": name, "type": kind, "address": f"ns=2;s=Line.{name.title()}", **more}


async def test_no_write_waits_for_a_publishing(peer: OpcUaPeer) -> None:
    slow = {"opc_ua": {**peer.settings["opc_ua"], "publishing_interval_s": NEVER_S}}
    async with plc_rig(peer, settings=slow) as rig:
        now_s = asyncio.get_running_loop().time
        started_s = now_s()
        for value in (True, False, True):
            await rig.plc.write("reject", value)
        await rig.plc.write("setpoint", 4.5)
        assert (await rig.plc.read(["speed"]))[0].value == 1.5
        assert now_s() - started_s < NEVER_S / 4
        assert await peer.get("reject") is True
        await rig.told.has("reject", True)
        await rig.told.has("setpoint", 4.5)


async def test_a_silent_server_is_watched_whatever_it_publishes(peer: OpcUaPeer) -> None:
    slow = {**HASTY, "opc_ua": {**peer.settings["opc_ua"], "publishing_interval_s": NEVER_S}}
    async with plc_rig(peer, settings=slow) as rig:
        lost = rig.task.expect(LinkState.LOST)
        peer.stall()
        assert (await asyncio.wait_for(lost, 3)).reason
        peer.resume()
        await rig.state(LinkState.CONNECTED)


async def test_changes_between_two_publishings_come_all_and_in_order(peer: OpcUaPeer) -> None:
    async with bound(peer, tag("count", "DINT"), publishing_interval_s=0.2) as rig:
        await rig.followed(peer)
        for value in range(8, 16):
            await peer.put("count", value)
        await rig.told.has("count", 15)
        assert [value for value, _ in rig.told.of("count")] == [7, *range(8, 16)]
        assert rig.plc.counters()["overflowed"] == 0


async def test_more_than_the_queue_holds_keeps_the_newest(peer: OpcUaPeer) -> None:
    settings: dict[str, Any] = {"publishing_interval_s": 0.2, "queue_size": 3}
    async with bound(peer, tag("count", "DINT"), **settings) as rig:
        await rig.followed(peer)
        for value in range(100, 200):
            await peer.put("count", value)
        await rig.told.has("count", 199)
        assert len(rig.told.values) < 20


async def test_a_slow_listener_holds_the_server_back(peer: OpcUaPeer) -> None:
    """While it takes its time nothing piles up here, and the link is well."""
    told, gate = list[TagValue](), asyncio.Event()

    async def listener(_: TagBinding, value: TagValue) -> None:
        told.append(value)
        await gate.wait()

    rig = bound(peer, tag("pulses", "UDINT"), tag("count", "DINT"), is_hasty=True)
    rig.listener = listener
    async with rig:
        # A server that published nothing for so long would be lost.
        silence_s = 5 * HASTE_S
        await unchanging(lambda: (len(told), rig.task.snapshot().state), silence_s)
        assert (len(told), rig.task.snapshot().state) == (1, LinkState.CONNECTED)
        assert rig.plc.counters()["publishings"] <= 1
        await peer.put("count", 70)
        gate.set()
        await eventually(lambda: ("count", 70) in [(v.name, v.value) for v in told])


async def test_a_listener_may_write(peer: OpcUaPeer) -> None:
    rig = bound(peer, tag("run", "BOOL"), tag("reject", "BOOL", access="READ_WRITE"))

    async def listener(binding: TagBinding, value: TagValue) -> None:
        if (binding.name, value.value) == ("run", True):
            await rig.plc.write("reject", True)

    rig.listener = listener
    async with rig:
        await peer.put("run", True)
        await asyncio.wait_for(peer.simulator.written("Line.Reject", True), DEADLINE_S)
        assert rig.task.snapshot().state is LinkState.CONNECTED


async def test_a_drift_within_the_deadband_is_told_when_it_adds_up(peer: OpcUaPeer) -> None:
    async with bound(peer, tag("ramp", "LREAL", deadband=1.0)) as rig:

        async def seen(value: float) -> None:
            await eventually(lambda: rig.plc.values()["ramp"].value == value)

        for step in range(1, 26):
            await peer.simulator.set("Line.Ramp", step / 10)
            await seen(step / 10)
        assert [value for value, _ in rig.told.of("ramp")] == [0.0, 1.1, 2.2]


async def test_quality_is_the_servers(peer: OpcUaPeer) -> None:
    async with bound(peer, tag("count", "DINT")) as rig:
        await rig.followed(peer)
        for quality in (Quality.UNCERTAIN, BAD, GOOD):
            await peer.simulator.set("Line.Count", 9, quality)
            await rig.told.has("count", 9, quality)
            if quality is BAD:
                with pytest.raises(UpstreamFailed, match="BadSensorFailure"):
                    await rig.plc.read(["count"])


async def test_texts_are_of_characters(peer: OpcUaPeer) -> None:
    recipe = tag("recipe", "STRING", length=6, access="READ_WRITE", read_back=True)
    async with bound(peer, recipe) as rig:
        assert rig.plc.values()["recipe"].value == "молоко"
        assert (await rig.plc.write("recipe", "кефир")).value == "кефир"
        assert await peer.simulator.value("Line.Recipe") == "кефир"
        for refused in ("a longer one", "a\0b", "\ud800"):
            with pytest.raises(ValidationFailed):
                await rig.plc.write("recipe", refused)
        await peer.simulator.set("Line.Recipe", "a longer one")
        await rig.told.has("recipe", "кефир", BAD)
        assert await peer.simulator.value("Line.Recipe") == "a longer one"


async def test_addresses_by_namespace_uri(peer: OpcUaPeer) -> None:
    by_uri = peer.simulator.address("Line.Count", by_uri=True)
    unknown = "nsu=urn:no:such;s=Line.Count"
    tags = (tag("count", "DINT", address=by_uri), tag("other", "DINT", address=unknown))
    async with bound(peer, *tags) as rig:
        await rig.told.has("count", 7)
        await rig.told.has("other", None, BAD)
        with pytest.raises(UpstreamFailed, match="urn:no:such"):
            await rig.plc.read(["other"])


@pytest.mark.parametrize(
    ("wrong", "reason"),
    [
        (tag("speed", "LREAL"), "is REAL in the controller, LREAL in the binding"),
        (tag("count", "BOOL"), "is DINT in the controller, BOOL in the binding"),
        (tag("array", "INT"), r"is INT\[\] in the controller, INT in the binding"),
    ],
)
async def test_another_type_is_named_and_nothing_written(
    peer: OpcUaPeer, wrong: dict[str, Any], reason: str
) -> None:
    name, before = wrong["name"], len(peer.simulator.writes)
    with capture_logs() as logs:
        async with bound(peer, {**wrong, "access": "READ_WRITE"}, tag("run", "BOOL")) as rig:
            await rig.told.has(name, None, BAD)
            await rig.told.has("run", False)
            with pytest.raises(ValidationFailed, match=reason) as refused:
                await rig.plc.write(name, 1)
            assert refused.value.details["field"] == name
            with pytest.raises(UpstreamFailed, match=reason):
                await rig.plc.read([name])
    (told,) = [entry for entry in logs if entry["event"] == "tag_refused"]
    assert told["tag"] == name
    assert len(peer.simulator.writes) == before


async def test_what_may_not_be_written_is_refused_by_the_server(peer: OpcUaPeer) -> None:
    async with bound(peer, tag("count", "DINT", access="READ_WRITE")) as rig:
        with pytest.raises(UpstreamFailed, match="BadUserAccessDenied"):
            await rig.plc.write("count", 1)
        assert await peer.get("count") == 7
        assert rig.plc.values()["count"].value == 7


async def test_a_node_that_comes_later_is_taken_up(
    peer: OpcUaPeer, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(monitor, "REFUSED_INTERVAL_S", 0.05)
    async with bound(peer, tag("late", "DINT"), tag("count", "DINT")) as rig:
        await rig.told.has("late", None, BAD)
        await peer.simulator.add(SimulatedNode(name="Line.Late", type=TagType.DINT, value=1))
        await rig.told.has("late", 1)
        await peer.simulator.set("Line.Late", 2)
        await rig.told.has("late", 2)
        assert rig.task.snapshot().state is LinkState.CONNECTED


async def test_a_restarted_server_is_followed_again(peer: OpcUaPeer) -> None:
    async with plc_rig(peer, settings=HASTY) as rig:
        lost = rig.task.expect(LinkState.LOST)
        await peer.simulator.go_down()
        await asyncio.wait_for(lost, DEADLINE_S)
        await peer.put("count", 8)
        await peer.simulator.come_up()
        await rig.state(LinkState.CONNECTED)
        await rig.told.has("count", 8)
        await peer.put("count", 9)
        await rig.told.has("count", 9)


async def test_a_server_that_forgets_the_subscription(peer: OpcUaPeer) -> None:
    """It answers everything else, so that only the silence tells."""
    async with bound(peer, tag("count", "DINT"), is_hasty=True) as rig:
        await rig.followed(peer)
        lost = rig.task.expect(LinkState.LOST)
        back = rig.task.expect(LinkState.CONNECTED)
        await peer.simulator.end_subscriptions()
        assert "publishing" in str((await asyncio.wait_for(lost, DEADLINE_S)).reason)
        await asyncio.wait_for(back, DEADLINE_S)
        await peer.put("count", 8)
        await rig.told.has("count", 8)


async def test_a_flapping_link_tells_once_what_is_wrong_with_a_tag(peer: OpcUaPeer) -> None:
    with capture_logs() as logs:
        async with bound(peer, tag("late", "DINT"), tag("count", "DINT")) as rig:
            for _ in range(3):
                back = rig.task.expect(LinkState.CONNECTED)
                await peer.cut()
                await asyncio.wait_for(back, DEADLINE_S)
    assert [entry["event"] for entry in logs].count("tag_refused") == 1


async def test_the_session_is_given_back(peer: OpcUaPeer) -> None:
    async with bound(peer, tag("count", "DINT")) as rig:
        await rig.followed(peer)
        await peer.simulator.sessions(1)
    await peer.simulator.sessions(0)
    assert peer.simulator.subscription_count == 0


async def test_an_encoder_runs(peer: OpcUaPeer) -> None:
    async with bound(peer, tag("pulses", "UDINT")) as rig:
        await eventually(lambda: len(rig.told.values) > 5)
        counts: list[Any] = [value.value for value in rig.told.values]
        assert counts == sorted(counts)


async def test_a_thousand_tags() -> None:
    many = [{"name": f"T{at}", "type": "DINT", "value": at} for at in range(1000)]
    async with running(OpcUaPeer(simulated(nodes=many))) as peer:
        assert isinstance(peer, OpcUaPeer)
        tags = [
            {"name": f"t{at}", "type": "DINT", "address": f"ns=2;s=T{at}"} for at in range(1000)
        ]
        async with bound(peer, *tags) as rig:
            await eventually(lambda: len(rig.told.values) == 1000)
            assert all(v.value == int(v.name[1:]) for v in rig.told.values)
            await rig.followed(peer)
            await peer.simulator.set("T999", -1)
            await rig.told.has("t999", -1)
            assert len(await rig.plc.browse()) == 1000

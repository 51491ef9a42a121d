"""A scanner that shows its codes on a simulated EtherNet/IP device, behind a counter."""

from collections.abc import Mapping
from functools import partial

from pydantic import Field

from drivers.plcs.ethernet_ip.addresses import parse_address
from drivers.plcs.ethernet_ip.cip import Service
from drivers.plcs.ethernet_ip.simulation import (
    EthernetIpSimulatorConfig,
    SimulatedAssembly,
    SimulatedIdentity,
    SimulatedTag,
)
from drivers.plcs.ethernet_ip.simulator import EthernetIpSimulator
from drivers.plcs.tags import TagType
from drivers.scanners.ethernet_ip_result import AssemblyResult, EthernetIpScanner, TagResult
from drivers.scanners.feeder import Feeder
from drivers.scanners.simulation import Code, Codes, PlayConfig, no_read_of

_IDENTITY = SimulatedIdentity(device_type=0x2B, product="Oktograph simulated scanner")
# How many reads a peer surely has seen the whole result with, even where it asks one by one.
_READS_ASSEMBLY, _READS_TAGS = 1, 8


class EthernetIpScannerConfig(PlayConfig):
    """`result` is what a driver is configured with. A scanner that waits for no acknowledgement
    shows its next code after the time of its `rate`, read or not; with a `rate` of None when it
    was read."""

    host: str = "127.0.0.1"
    port: int = Field(default=0, ge=0, le=65535)
    result: EthernetIpScanner


class EthernetIpScannerSimulator(Feeder):
    """`target` is the device that peers see, with all its faults."""

    def __init__(self, config: EthernetIpScannerConfig, codes: Codes = ()) -> None:
        super().__init__(config, codes)
        self.target = EthernetIpSimulator(_device(config))
        self.shown_count = 0
        self._config = config
        self._place = _place(self.target, config.result.place)

    @property
    def port(self) -> int:
        return self.target.port

    @property
    def peer_count(self) -> int:
        return self.target.peer_count

    def jump(self, by: int) -> None:
        """Moves the counter without a code: some that were read have been overwritten."""
        self._place.count(self._place.counter + by)

    def restart(self) -> None:
        """Counts from 0, as after a power cut; nothing has been read yet."""
        self._place.count(0)

    @property
    def is_acknowledged(self) -> bool:
        """Whether the code that is shown was taken; of one that waits for that."""
        return self._place.is_acknowledged()

    async def _open(self) -> None:
        await self.target.start()
        self._spawn(self._watch())

    async def _shut(self) -> None:
        await self.target.close()

    async def _deliver(self, code: Code) -> None:
        profile = self._config.framing
        text = no_read_of(profile) if code is None else code
        data = text.encode(profile.encoding)
        if profile.gs_substitute and code is not None:
            data = data.replace(b"\x1d", profile.gs_substitute)
        self._place.show(data)
        self.shown_count += 1
        if self._place.waits:
            await self.target.until(self._place.is_acknowledged)
        elif self._config.rate is None:
            read = self._place.reads() + self._place.reads_needed
            await self.target.until(lambda: self._place.reads() >= read)

    async def _watch(self) -> None:
        """Peers come and go at the target: `peers` and `emit` want to know."""
        while True:
            await self.target.until(partial(self._counts_others, self.target.peer_count))
            await self._notify()

    def _counts_others(self, known: int) -> bool:
        return self.target.peer_count != known


class _AssemblyPlace:
    reads_needed = _READS_ASSEMBLY

    def __init__(self, target: EthernetIpSimulator, layout: AssemblyResult) -> None:
        self.waits = layout.ack_instance is not None
        self.counter = 0
        self._target = target
        self._layout = layout

    def show(self, data: bytes) -> None:
        layout, shown = self._layout, self._target.assemblies[self._layout.instance]
        data = data[: layout.data_length]
        if layout.length_offset is not None:
            _put(shown, layout.length_offset, layout.length_bytes, len(data))
        end = layout.data_offset + layout.data_length
        shown[layout.data_offset : end] = data.ljust(layout.data_length, b"\0")
        self.count(self.counter + 1)

    def count(self, value: int) -> None:
        layout = self._layout
        self.counter = value % (1 << 8 * layout.counter_bytes)
        shown = self._target.assemblies[layout.instance]
        _put(shown, layout.counter_offset, layout.counter_bytes, self.counter)

    def is_acknowledged(self) -> bool:
        layout = self._layout
        taken = self._target.assemblies[layout.ack_instance or 0][layout.ack_offset :]
        return int.from_bytes(taken[: layout.counter_bytes], "little") == self.counter

    def reads(self) -> int:
        return self._target.served[Service.GET_ATTRIBUTE_SINGLE]


class _TagPlace:
    reads_needed = _READS_TAGS

    def __init__(self, target: EthernetIpSimulator, layout: TagResult) -> None:
        self.waits = layout.acknowledge is not None
        self.counter = 0
        self._target = target
        self._layout = layout

    def show(self, data: bytes) -> None:
        data = data[: self._layout.data_length]
        self._target.set(self._layout.data, data.decode("latin-1"))
        if self._layout.length is not None:
            self._target.set(self._layout.length, len(data))
        self.count(self.counter + 1)

    def count(self, value: int) -> None:
        self.counter = value % (1 << 31)
        self._target.set(self._layout.counter, self.counter)

    def is_acknowledged(self) -> bool:
        return self._target.value(self._layout.acknowledge or "") == self.counter

    def reads(self) -> int:
        return self._target.served[Service.READ_TAG]


def _place(
    target: EthernetIpSimulator, layout: AssemblyResult | TagResult
) -> _AssemblyPlace | _TagPlace:
    if isinstance(layout, TagResult):
        return _TagPlace(target, layout)
    return _AssemblyPlace(target, layout)


def _device(config: EthernetIpScannerConfig) -> EthernetIpSimulatorConfig:
    place, slot = config.result.place, config.result.slot
    common = {"host": config.host, "port": config.port, "identity": _IDENTITY}
    if isinstance(place, TagResult):
        own_slot = None if config.result.micro800 else slot or 0
        return EthernetIpSimulatorConfig(**common, slot=own_slot, tags=_tags(place))
    return EthernetIpSimulatorConfig(**common, slot=slot, assemblies=_assemblies(place))


def _assemblies(layout: AssemblyResult) -> list[SimulatedAssembly]:
    lengths = (layout.length_offset or 0) + layout.length_bytes
    counters = layout.counter_offset + layout.counter_bytes
    size = max(lengths, counters, layout.data_offset + layout.data_length)
    made = [SimulatedAssembly(instance=layout.instance, size=size)]
    if layout.ack_instance is not None:
        ack_size = layout.ack_offset + layout.counter_bytes
        made.append(SimulatedAssembly(instance=layout.ack_instance, size=ack_size, writable=True))
    return made


def _tags(layout: TagResult) -> list[SimulatedTag]:
    types: Mapping[str | None, TagType] = {
        layout.counter: TagType.DINT,
        layout.data: TagType.STRING,
        layout.length: TagType.INT,
        layout.acknowledge: TagType.DINT,
    }
    return [
        SimulatedTag(name=_name(address), type=kind)
        for address, kind in types.items()
        if address is not None
    ]


def _name(address: str) -> str:
    """What is simulated is whole tags, no elements of arrays."""
    return ".".join(str(part) for part in parse_address(address).parts)


def _put(data: bytearray, at: int, width: int, value: int) -> None:
    data[at : at + width] = value.to_bytes(width, "little")

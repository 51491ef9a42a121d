"""Controllers with a text protocol of their own on TCP: asked, or telling by themselves."""

from collections.abc import Sequence
from functools import partial

from domain.kernel.clock import Clock
from domain.kernel.errors import ValidationFailed
from drivers.connections import Connections
from drivers.link import Link
from drivers.plcs.poller import PollCounters, Poller
from drivers.plcs.polling import PolledPlc
from drivers.plcs.port import OnTag, PlcConfig
from drivers.plcs.session import TagSession
from drivers.plcs.table import TagTable
from drivers.plcs.tags import Quality, Scalar, TagBinding, TagRefused, TagValue
from drivers.plcs.tcp_socket import values
from drivers.plcs.tcp_socket.pushes import PushCounters
from drivers.plcs.tcp_socket.session import TextSession, opened
from drivers.plcs.tcp_socket.settings import TcpSocketSettings
from drivers.plcs.tcp_socket.templates import template
from drivers.racing import first_end


def build(
    config: PlcConfig,
    bindings: Sequence[TagBinding],
    on_tag: OnTag,
    connections: Connections,
    clock: Clock,
) -> PolledPlc:
    """As PlcPort says. `connections` has nothing to share: at an address one controller answers."""
    for field, value in (("host", config.host), ("port", config.port)):
        if not value:
            raise ValidationFailed(f"plcs.{config.id}.{field}", "needed to dial the controller")
    for binding in bindings:
        _check(config.tcp_socket, binding)
    counters = PushCounters()
    session = partial(opened, config, bindings, counters)
    return TcpSocketPlc(config, bindings, on_tag, session, clock, counters.by_name)


class TcpSocketPlc(PolledPlc):
    def _poller(self, session: TagSession) -> Poller:
        assert isinstance(session, TextSession)  # noqa: S101  # `opened` makes no other
        bindings = list(self._bindings.values())
        settings = self.config.tcp_socket
        return ListeningPoller(session, bindings, self._table, self._counters, settings)


class ListeningPoller(Poller):
    """Polls where there is a command to read with, and notes what comes unasked."""

    def __init__(
        self,
        session: TextSession,
        bindings: Sequence[TagBinding],
        table: TagTable,
        counters: PollCounters,
        settings: TcpSocketSettings,
    ) -> None:
        asks = settings.read_command is not None
        super().__init__(session, bindings if asks else (), table, counters)
        self._asks = asks
        self._pushes = session.pushes
        self._settings = settings

    async def poll(self, link: Link) -> None:
        await first_end(super().poll(link), self._listen(link))

    async def ask_within_turn(self, part: Sequence[TagBinding]) -> list[TagValue]:
        """A controller that cannot be asked is taken at its last word."""
        if self._asks:
            return await super().ask_within_turn(part)
        known = [self._table.values()[binding.name] for binding in part]
        for value in known:
            if value.quality is Quality.BAD:
                self.refused.setdefault(value.name, "the controller has not told it yet")
        return known

    async def _listen(self, link: Link) -> None:
        while True:
            binding, text = await self._pushes.next()
            link.reading(self._noted(binding, self._told(binding, text)).at_us)
            await self._table.settled()

    def _told(self, binding: TagBinding, text: str) -> Scalar | TagRefused:
        try:
            return values.to_shown(self._settings, binding, text)
        except TagRefused as refused:
            return refused


def _check(settings: TcpSocketSettings, binding: TagBinding) -> None:
    """Raises ValidationFailed."""
    field = f"bindings.{binding.name}"
    if not values.is_plain(settings, binding.address):
        raise ValidationFailed(f"{field}.address", "a character that the protocol cannot carry")
    places = {"address": binding.address, "tag": binding.name, "value": "1"}
    for text in (settings.read_command, settings.write_command, settings.push):
        words = template(text) if text is not None else None
        if words and words.match(words.filled(places)) != {n: places[n] for n in words.fields}:
            raise ValidationFailed(f"{field}.address", f"cannot be told apart in {words.text}")
    if binding.writable and settings.write_command is None:
        raise ValidationFailed(f"{field}.access", "the controller has no command to write with")
    if binding.readable and settings.read_command is None and settings.push is None:
        raise ValidationFailed(f"{field}.access", "the controller neither answers nor tells it")

"""A controller's questions and answers in its own words."""

import asyncio
from collections.abc import AsyncIterator, Mapping, Sequence
from contextlib import asynccontextmanager, suppress

from domain.kernel.errors import ValidationFailed
from drivers.link import PeerLost
from drivers.patience import elapsed, patient
from drivers.plcs.port import PlcConfig
from drivers.plcs.tags import Scalar, TagBinding, TagInfo, TagRefused
from drivers.plcs.tcp_socket import values
from drivers.plcs.tcp_socket.lines import Lines, connected
from drivers.plcs.tcp_socket.pushes import PushCounters, Pushes
from drivers.plcs.tcp_socket.templates import template
from drivers.racing import first_end
from drivers.turns import Turns


class TextSession:
    """A TagSession. A controller that is never asked anything counts as reached once it has said
    something, or at once where it may be silent for ever."""

    def __init__(
        self, config: PlcConfig, lines: Lines, pushes: Pushes, asked_first: TagBinding | None
    ) -> None:
        self.turns = Turns()
        self.pushes = pushes
        self._settings = config.tcp_socket
        self._timeout_s = config.timeout_s
        self._lines = lines
        self._asked_first = asked_first
        self._greeted = lines.greeting is None

    @property
    def peer(self) -> str:
        return self._lines.peer

    def requests(self, bindings: Sequence[TagBinding]) -> Sequence[Sequence[TagBinding]]:
        """A line has one value."""
        return [[binding] for binding in bindings]

    async def probe(self) -> None:
        settings = self._settings
        if not self._greeted:
            await self._hear_greeting()
        if settings.probe_command is not None:
            with suppress(TagRefused):
                await self._asked(settings.probe_command, settings.probe_answer, {})
        elif settings.read_command is not None and self._asked_first is not None:
            await self._read(self._asked_first)
        elif settings.silence_s is not None:
            async with patient(settings.silence_s):
                await self._lines.heard.wait()

    async def read(self, bindings: Sequence[TagBinding]) -> Sequence[Scalar | TagRefused]:
        return [await self._read(binding) for binding in bindings]

    async def write(self, binding: TagBinding, value: Scalar) -> None:
        settings = self._settings
        if settings.write_command is None:
            raise TagRefused("it has no command to write with")
        places = {**_places(binding), "value": values.to_text(settings, binding, value)}
        words = template(settings.write_command)
        command = words.filled(places)
        if words.match(command) != {name: places[name] for name in words.fields}:
            raise ValidationFailed(binding.name, "a text that its command cannot tell apart")
        await self._asked(command, settings.write_answer, places)

    async def browse(self) -> Sequence[TagInfo]:
        """It cannot tell."""
        return ()

    async def until_lost(self) -> None:
        await first_end(self._lines.until_lost(), self._until_silent())

    async def _read(self, binding: TagBinding) -> Scalar | TagRefused:
        settings, places = self._settings, _places(binding)
        if settings.read_command is None:
            return TagRefused("it has no command to read with")
        command = template(settings.read_command).filled(places)
        try:
            answer = await self._asked(command, settings.read_answer, places)
            return values.to_shown(settings, binding, answer["value"])
        except TagRefused as refused:
            return refused

    async def _asked(
        self, command: str, expected: str, places: Mapping[str, str]
    ) -> Mapping[str, str]:
        """What stands in the answer. Raises TagRefused for the error answer, PeerLost for any
        other: who is out of step must begin anew."""
        async with patient(self._timeout_s):
            line = await self._lines.ask(command)
        error = self._settings.error_answer
        refusal = None if error is None else template(error).match(line)
        if refusal is not None:
            raise TagRefused(refusal.get("reason", line)[:200])
        answer = template(expected).match(line)
        if answer is not None and _is_of(answer, places):
            return answer
        reason = f"an answer to something else: {line[:80]!r}"
        self._lines.lose(reason)
        raise PeerLost(reason)

    async def _hear_greeting(self) -> None:
        async with patient(self._timeout_s):
            line = await self._lines.greeted()
        if template(self._settings.greeting or "").match(line) is None:
            raise PeerLost(f"another greeting: {line[:80]!r}")
        self._greeted = True

    async def _until_silent(self) -> None:
        """Raises PeerLost; a controller that may be silent is waited for in vain."""
        silence_s = self._settings.silence_s
        now_s = asyncio.get_running_loop().time
        if silence_s is None:
            await asyncio.Event().wait()
            return
        # When to look next depends on what was heard since the last look.
        while (left_s := self._lines.heard_at_s + silence_s - now_s()) > 0:
            await elapsed(left_s)
        raise PeerLost(f"silent for {silence_s:g} s")


@asynccontextmanager
async def opened(
    config: PlcConfig, bindings: Sequence[TagBinding], counters: PushCounters
) -> AsyncIterator[TextSession]:
    pushes = Pushes(config.tcp_socket, bindings, counters)
    asked_first = next((binding for binding in bindings if binding.readable), None)
    async with connected(config, pushes) as lines:
        yield TextSession(config, lines, pushes, asked_first)


def _places(binding: TagBinding) -> dict[str, str]:
    return {"address": binding.address, "tag": binding.name}


def _is_of(answer: Mapping[str, str], places: Mapping[str, str]) -> bool:
    """Whether it is of the tag that was asked for. A value that was written may come back in
    another form (`1` as `1.0`), so it is not compared."""
    return all(answer[name] == places[name] for name in ("address", "tag") if name in answer)

"""One controller on EtherNet/IP, for the polling engine."""

from collections.abc import AsyncIterator, Mapping, Sequence
from contextlib import asynccontextmanager

from drivers.connections import Connections
from drivers.link import PeerLost
from drivers.plcs.ethernet_ip.cip import CipRefusal, ObjectClass, Service
from drivers.plcs.ethernet_ip.endpoint import Endpoint
from drivers.plcs.ethernet_ip.links import EthernetIpLink, reached
from drivers.plcs.ethernet_ip.listing import tag_infos
from drivers.plcs.ethernet_ip.messages import Reply, Request, logical
from drivers.plcs.ethernet_ip.tags import BoundTag, bound_tag
from drivers.plcs.tags import Scalar, TagBinding, TagInfo, TagRefused
from drivers.turns import Turns

# A list of ten thousand tags comes in a hundred answers.
BROWSE_DEADLINE_S = 30.0
# Around several requests, and around their replies: sequence, head, path and count.
_AROUND_BYTES = 16
_VENDOR = Request(Service.GET_ATTRIBUTE_SINGLE, logical(ObjectClass.IDENTITY, 1, 1)).encode()


class EthernetIpSession:
    """The TagSession. A tag that was refused is asked for by itself from then on: what else is
    wrong with it must not spoil the answers of others."""

    def __init__(self, link: EthernetIpLink, bindings: Sequence[TagBinding]) -> None:
        self._link = link
        self._tags: Mapping[str, BoundTag] = {b.name: bound_tag(b) for b in bindings}
        self._refused: set[str] = set()

    @property
    def peer(self) -> str:
        return self._link.peer

    @property
    def turns(self) -> Turns:
        return self._link.turns

    def requests(self, bindings: Sequence[TagBinding]) -> Sequence[Sequence[TagBinding]]:
        alone = [[b] for b in bindings if b.name in self._refused]
        rest = [b for b in bindings if b.name not in self._refused]
        if not self._link.client.takes_several:
            return [[b] for b in rest] + alone
        return [*self._fitting(rest), *alone]

    async def probe(self) -> None:
        """Opens the connection to the processor; what it says to the question does not matter."""
        try:
            await self._link.tags([_VENDOR])
        except CipRefusal as refusal:
            raise PeerLost(str(refusal)) from None

    async def read(self, bindings: Sequence[TagBinding]) -> Sequence[Scalar | TagRefused]:
        tags = [self._tags[binding.name] for binding in bindings]
        if len(tags) > 1 and not self._link.client.takes_several:
            raise TagRefused("takes one question at a time")
        answers = await self._asked(tags)
        for tag, answer in zip(tags, answers, strict=True):
            refused = isinstance(answer, TagRefused)
            (self._refused.add if refused else self._refused.discard)(tag.binding.name)
        return answers

    async def write(self, binding: TagBinding, value: Scalar) -> None:
        tag = self._tags[binding.name]
        if tag.code is None:
            [reply] = await self._replies([tag])
            tag.learn(reply)
        request = tag.writing(value)
        [reply] = await self._link.tags([request.encode()])
        try:
            reply.checked()
        except CipRefusal as refusal:
            tag.code = None
            raise TagRefused(str(refusal)) from None

    async def browse(self) -> Sequence[TagInfo]:
        listed = await self._link.tag_list(BROWSE_DEADLINE_S)
        return tag_infos(listed, [tag.binding for tag in self._tags.values()])

    async def until_lost(self) -> None:
        await self._link.until_lost()

    def _fitting(self, bindings: Sequence[TagBinding]) -> list[list[TagBinding]]:
        """Parts of which question and answer fit the connection."""
        room = self._link.client.connection_bytes - _AROUND_BYTES
        parts: list[list[TagBinding]] = []
        asked = answered = room
        for binding in bindings:
            tag = self._tags[binding.name]
            asked, answered = asked + tag.request_bytes, answered + tag.reply_bytes
            if max(asked, answered) > room:
                parts.append([])
                asked, answered = tag.request_bytes, tag.reply_bytes
            parts[-1].append(binding)
        return parts

    async def _asked(self, tags: Sequence[BoundTag]) -> list[Scalar | TagRefused]:
        first = [tag for tag in tags if tag.needs_type]
        unknown: dict[int, TagRefused] = {}
        for tag, reply in zip(first, await self._replies(first), strict=True):
            try:
                tag.learn(reply)
            except TagRefused as refused:
                unknown[id(tag)] = refused
        known = [tag for tag in tags if id(tag) not in unknown]
        replies = dict(zip(map(id, known), await self._replies(known), strict=True))
        return [unknown.get(id(tag)) or _value(tag, replies[id(tag)]) for tag in tags]

    async def _replies(self, tags: Sequence[BoundTag]) -> list[Reply]:
        if not tags:
            return []
        try:
            return await self._link.tags([tag.question().encode() for tag in tags])
        except CipRefusal as refusal:
            raise TagRefused(f"not with others: {refusal}") from None


def _value(tag: BoundTag, reply: Reply) -> Scalar | TagRefused:
    try:
        return tag.value(tag.learn(reply))
    except TagRefused as refused:
        return refused


@asynccontextmanager
async def session(
    connections: Connections, endpoint: Endpoint, bindings: Sequence[TagBinding]
) -> AsyncIterator[EthernetIpSession]:
    """Of a device that has answered; its processor is asked by the first probe."""
    async with reached(connections, endpoint) as link:
        yield EthernetIpSession(link, bindings)

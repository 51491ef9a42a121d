"""Whom a request is for in a simulated device: its identity, its assemblies, its tags."""

import struct
from collections import Counter
from collections.abc import Callable

from drivers.plcs.ethernet_ip.cip import CipRefusal, ObjectClass, Service, Status
from drivers.plcs.ethernet_ip.messages import (
    Kind,
    Path,
    Reply,
    Request,
    decode_request,
    joined,
    parted,
)
from drivers.plcs.ethernet_ip.simulation import (
    EthernetIpSimulatorConfig,
    SimulatedFaults,
)
from drivers.plcs.ethernet_ip.target.memory import TagMemory
from drivers.plcs.ethernet_ip.target.objects import AssemblyObjects, IdentityObject
from drivers.plcs.ethernet_ip.target.symbols import SymbolObjects
from drivers.plcs.ethernet_ip.target.tags import REPLY_HEAD_BYTES, TagServices

Answer = Callable[[Request, int], Reply]

# Services that the fault "wrong status" leaves alone: they carry others, or say who answers.
_SPARED = (Service.MULTIPLE_SERVICE, Service.GET_ATTRIBUTES_ALL)


class MessageRouter:
    """Answers one request after the other, from whatever connection. `served` counts them by
    service, those within a Multiple Service Packet too; `managed` those of the connection
    manager."""

    def __init__(self, config: EthernetIpSimulatorConfig, memory: TagMemory) -> None:
        self.served: Counter[int] = Counter()
        self.managed: Counter[int] = Counter()
        self.assemblies = AssemblyObjects(config.assemblies)
        self.faults = SimulatedFaults()
        self._config = config
        self._identity = IdentityObject(config.identity)
        self._tags = TagServices(memory)
        self._symbols = SymbolObjects(memory)

    def answer(self, message: bytes, limit: int) -> bytes:
        """A reply of at most `limit` bytes."""
        try:
            request = decode_request(message)
            self.served[request.service] += 1
            reply = self._dispatch(request, limit)
        except CipRefusal as refusal:
            service = message[0] if message else 0
            reply = Reply(service & 0x7F, b"", refusal.status, refusal.extended)
        encoded = reply.encode()
        if len(encoded) > limit:
            return Reply(reply.service, b"", Status.REPLY_TOO_LARGE).encode()
        return encoded

    def _dispatch(self, request: Request, limit: int) -> Reply:
        if self.faults.status is not None and request.service not in _SPARED:
            raise CipRefusal(self.faults.status)
        try:
            return self._addressed(request.path)(request, limit)
        except struct.error:
            raise CipRefusal(Status.NOT_ENOUGH_DATA) from None

    def _addressed(self, path: Path) -> Answer:
        if not path:
            raise CipRefusal(Status.PATH_SEGMENT_ERROR)
        logical = path[1:] if path[0].kind is Kind.SYMBOL else path
        if not logical or logical[0].kind is not Kind.CLASS:
            return self._tags.answer
        if len(logical) < 2 or logical[1].kind is not Kind.INSTANCE:
            raise CipRefusal(Status.PATH_SEGMENT_ERROR)
        objects: dict[int, Answer] = {
            ObjectClass.IDENTITY: self._identity.answer,
            ObjectClass.MESSAGE_ROUTER: self._several,
            ObjectClass.ASSEMBLY: self.assemblies.answer,
            ObjectClass.PROGRAM_NAME: self._identity.program_name,
            ObjectClass.SYMBOL: self._symbol,
            ObjectClass.TEMPLATE: self._symbols.template,
        }
        wanted = objects.get(int(logical[0].value))
        if wanted is None:
            raise CipRefusal(Status.PATH_UNKNOWN)
        return wanted

    def _several(self, request: Request, limit: int) -> Reply:
        if request.service != Service.MULTIPLE_SERVICE or not self._config.takes_several:
            raise CipRefusal(Status.SERVICE_NOT_SUPPORTED)
        try:
            messages = parted(request.data)
        except ValueError:
            raise CipRefusal(Status.NOT_ENOUGH_DATA) from None
        room = limit - REPLY_HEAD_BYTES - 2
        answers = []
        for message in messages:
            room -= 2
            answers.append(self.answer(message, max(room, REPLY_HEAD_BYTES)))
            room -= len(answers[-1])
        failed = any(answer[2] for answer in answers)
        status = Status.EMBEDDED_ERROR if failed else Status.SUCCESS
        return Reply(request.service, joined(answers), status)

    def _symbol(self, request: Request, limit: int) -> Reply:
        if request.service != Service.GET_INSTANCE_ATTRIBUTE_LIST:
            return self._tags.answer(request, limit)
        if not self._config.lists_tags:
            raise CipRefusal(Status.SERVICE_NOT_SUPPORTED)
        return self._symbols.instances(request, limit)

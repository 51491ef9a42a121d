"""What a simulated device has besides tags: its identity, and assemblies of bytes.

Source: ODVA, CIP common specification, chapter 5.
"""

import struct
from collections.abc import Iterable, Sequence

from drivers.plcs.ethernet_ip.cip import CipRefusal, Service, Status
from drivers.plcs.ethernet_ip.messages import Kind, Path, Reply, Request
from drivers.plcs.ethernet_ip.simulation import SimulatedAssembly, SimulatedIdentity

_DATA, _SIZE = 3, 4
# Owned by nobody, configured: what a device that is well says of itself.
_HEALTHY = 0x0060


class IdentityObject:
    def __init__(self, identity: SimulatedIdentity) -> None:
        self._attributes = identity_attributes(identity)
        self._name = identity.product.encode("ascii")

    def answer(self, request: Request, _: int) -> Reply:
        """Raises CipRefusal."""
        if request.service == Service.GET_ATTRIBUTES_ALL:
            return Reply(request.service, b"".join(self._attributes))
        if request.service == Service.GET_ATTRIBUTE_SINGLE:
            return Reply(request.service, self._attribute(_attribute(request.path)))
        if request.service == Service.GET_ATTRIBUTE_LIST:
            return Reply(request.service, self._listed(request.data))
        raise CipRefusal(Status.SERVICE_NOT_SUPPORTED)

    def program_name(self, request: Request, _: int) -> Reply:
        """Raises CipRefusal."""
        if request.service != Service.GET_ATTRIBUTES_ALL:
            raise CipRefusal(Status.SERVICE_NOT_SUPPORTED)
        return Reply(request.service, struct.pack("<H", len(self._name)) + self._name)

    def _attribute(self, number: int) -> bytes:
        if not 1 <= number <= len(self._attributes):
            raise CipRefusal(Status.ATTRIBUTE_NOT_SUPPORTED)
        return self._attributes[number - 1]

    def _listed(self, data: bytes) -> bytes:
        wanted = attribute_numbers(data)
        values = [struct.pack("<HH", number, 0) + self._attribute(number) for number in wanted]
        return struct.pack("<H", len(values)) + b"".join(values)


def identity_attributes(identity: SimulatedIdentity) -> Sequence[bytes]:
    """1 to 7: vendor, device type, product code, revision, status, serial number, product."""
    name = identity.product.encode("ascii")
    return (
        struct.pack("<H", identity.vendor),
        struct.pack("<H", identity.device_type),
        struct.pack("<H", identity.product_code),
        bytes((identity.major, identity.minor)),
        struct.pack("<H", _HEALTHY),
        struct.pack("<I", identity.serial),
        bytes((len(name),)) + name,
    )


class AssemblyObjects:
    """`data` is by instance and may be written in place."""

    def __init__(self, assemblies: Iterable[SimulatedAssembly]) -> None:
        self._specs = {assembly.instance: assembly for assembly in assemblies}
        self.data = {n: bytearray(s.data.ljust(s.size, b"\0")) for n, s in self._specs.items()}

    def answer(self, request: Request, _: int) -> Reply:
        """Raises CipRefusal."""
        instance = int(request.path[1].value)
        if instance not in self.data:
            raise CipRefusal(Status.NO_SUCH_OBJECT)
        number, data = _attribute(request.path), self.data[instance]
        if number not in (_DATA, _SIZE):
            raise CipRefusal(Status.ATTRIBUTE_NOT_SUPPORTED)
        if request.service == Service.GET_ATTRIBUTE_SINGLE:
            size = struct.pack("<H", len(data))
            return Reply(request.service, bytes(data) if number == _DATA else size)
        if request.service != Service.SET_ATTRIBUTE_SINGLE:
            raise CipRefusal(Status.SERVICE_NOT_SUPPORTED)
        if number != _DATA or not self._specs[instance].writable:
            raise CipRefusal(Status.NOT_SETTABLE)
        self._set(data, request.data)
        return Reply(request.service)

    def _set(self, held: bytearray, data: bytes) -> None:
        if len(data) > len(held):
            raise CipRefusal(Status.TOO_MUCH_DATA)
        if len(data) < len(held):
            raise CipRefusal(Status.NOT_ENOUGH_DATA)
        held[:] = data


def attribute_numbers(data: bytes) -> tuple[int, ...]:
    """What a list of attributes asks for. Raises struct.error."""
    (count,) = struct.unpack_from("<H", data)
    return struct.unpack_from(f"<{count}H", data, 2)


def _attribute(path: Path) -> int:
    """Raises CipRefusal where the path names none."""
    if len(path) != 3 or path[2].kind is not Kind.ATTRIBUTE:
        raise CipRefusal(Status.PATH_SEGMENT_ERROR)
    return int(path[2].value)

"""The words of CIP: services, objects, statuses and elementary types.

Sources: ODVA, CIP common specification, appendices B and C; Rockwell 1756-PM020 for the services
of tags.
"""

from collections.abc import Mapping
from enum import IntEnum
from types import MappingProxyType

from drivers.plcs.tags import TagType

REPLY = 0x80


class Service(IntEnum):
    """0x4E, 0x52 and 0x54 mean other things to the connection manager, see ManagerService."""

    GET_ATTRIBUTES_ALL = 0x01
    GET_ATTRIBUTE_LIST = 0x03
    MULTIPLE_SERVICE = 0x0A
    GET_ATTRIBUTE_SINGLE = 0x0E
    SET_ATTRIBUTE_SINGLE = 0x10
    READ_TAG = 0x4C
    WRITE_TAG = 0x4D
    READ_MODIFY_WRITE = 0x4E
    READ_TAG_FRAGMENTED = 0x52
    WRITE_TAG_FRAGMENTED = 0x53
    GET_INSTANCE_ATTRIBUTE_LIST = 0x55


class ManagerService(IntEnum):
    FORWARD_CLOSE = 0x4E
    UNCONNECTED_SEND = 0x52
    FORWARD_OPEN = 0x54
    LARGE_FORWARD_OPEN = 0x5B


class ObjectClass(IntEnum):
    IDENTITY = 0x01
    MESSAGE_ROUTER = 0x02
    ASSEMBLY = 0x04
    CONNECTION_MANAGER = 0x06
    PROGRAM_NAME = 0x64
    SYMBOL = 0x6B
    TEMPLATE = 0x6C


class Status(IntEnum):
    """The general statuses that we make or tell apart; `status_text` names them all."""

    SUCCESS = 0x00
    CONNECTION_FAILURE = 0x01
    BAD_PARAMETER = 0x03
    PATH_SEGMENT_ERROR = 0x04
    PATH_UNKNOWN = 0x05
    PARTIAL_TRANSFER = 0x06
    SERVICE_NOT_SUPPORTED = 0x08
    NOT_SETTABLE = 0x0E
    PRIVILEGE_VIOLATION = 0x0F
    REPLY_TOO_LARGE = 0x11
    NOT_ENOUGH_DATA = 0x13
    ATTRIBUTE_NOT_SUPPORTED = 0x14
    TOO_MUCH_DATA = 0x15
    NO_SUCH_OBJECT = 0x16
    EMBEDDED_ERROR = 0x1E
    BAD_PATH_SIZE = 0x26
    GENERAL_ERROR = 0xFF


class Extended(IntEnum):
    """Details of CONNECTION_FAILURE and of GENERAL_ERROR."""

    IN_USE = 0x0100
    NO_SUCH_CONNECTION = 0x0107
    BAD_CONNECTION_SIZE = 0x0109
    NO_SUCH_LINK = 0x0312
    BEYOND_END = 0x2105
    TYPE_MISMATCH = 0x2107


class CipType(IntEnum):
    BOOL = 0xC1
    SINT = 0xC2
    INT = 0xC3
    DINT = 0xC4
    LINT = 0xC5
    USINT = 0xC6
    UINT = 0xC7
    UDINT = 0xC8
    ULINT = 0xC9
    REAL = 0xCA
    LREAL = 0xCB
    STRING = 0xD0
    BYTE = 0xD1
    WORD = 0xD2
    DWORD = 0xD3
    LWORD = 0xD4
    SHORT_STRING = 0xDA
    STRUCTURE = 0x02A0


# An array of BOOL is kept, read and written in words of so many bits, where there is a chassis.
WORD_BITS = 32
# The structure that Logix calls STRING: LEN as a DINT, 82 bytes, 2 bytes of padding.
LOGIX_STRING_HANDLE = 0x0FCE
LOGIX_STRING_BYTES = 82
LOGIX_STRING_SIZE = 88

FORMATS: Mapping[int, str] = MappingProxyType(
    {
        CipType.BOOL: "<B",
        CipType.SINT: "<b",
        CipType.INT: "<h",
        CipType.DINT: "<i",
        CipType.LINT: "<q",
        CipType.USINT: "<B",
        CipType.UINT: "<H",
        CipType.UDINT: "<I",
        CipType.ULINT: "<Q",
        CipType.REAL: "<f",
        CipType.LREAL: "<d",
        CipType.BYTE: "<B",
        CipType.WORD: "<H",
        CipType.DWORD: "<I",
        CipType.LWORD: "<Q",
    }
)
ELEMENTARY: Mapping[TagType, CipType] = MappingProxyType(
    {kind: CipType[kind] for kind in TagType if kind is not TagType.STRING}
)

_TEXTS: Mapping[int, str] = MappingProxyType(
    {
        0x01: "the connection failed",
        0x02: "no resource left",
        0x03: "a parameter value is not valid",
        0x04: "the path could not be read",
        0x05: "the path leads nowhere",
        0x06: "only a part fitted",
        0x07: "the connection is lost",
        0x08: "the service is not supported",
        0x09: "an attribute value is not valid",
        0x0C: "not in this state",
        0x0E: "the attribute cannot be set",
        0x0F: "not permitted",
        0x10: "not in this state of the device",
        0x11: "the answer is too large",
        0x13: "not enough data",
        0x14: "the attribute is not supported",
        0x15: "too much data",
        0x16: "there is no such object",
        0x1E: "one of several services failed",
        0x26: "the size of the path is wrong",
    }
)
_EXTENDED_TEXTS: Mapping[int, str] = MappingProxyType(
    {
        Extended.NO_SUCH_LINK: "nothing answers in that slot",
        Extended.BEYOND_END: "beyond the end of the tag",
        Extended.TYPE_MISMATCH: "the tag is of another type",
        Extended.IN_USE: "the connection is in use",
        Extended.NO_SUCH_CONNECTION: "there is no such connection",
        Extended.BAD_CONNECTION_SIZE: "the connection size is not possible",
    }
)


def status_text(status: int, extended: int | None = None) -> str:
    """For people, with the codes that a manual lists."""
    text = _EXTENDED_TEXTS.get(extended or 0) or _TEXTS.get(status, "refused")
    detail = f"/0x{extended:04X}" if extended is not None else ""
    return f"{text} (0x{status:02X}{detail})"


class CipRefusal(Exception):
    """A general status other than success, with its extended one where there is any."""

    def __init__(self, status: int, extended: int | None = None) -> None:
        super().__init__(status_text(status, extended))
        self.status = status
        self.extended = extended

"""A file in a form (RFC 7578), handed on as it arrives: never whole in memory, nor on our disk."""

from collections.abc import AsyncIterator
from typing import TYPE_CHECKING, Final, NamedTuple

from python_multipart.exceptions import FormParserError
from python_multipart.multipart import MultipartParser, parse_options_header
from starlette.requests import Request

from compat_rest.kernel.bodies import streamed
from domain.kernel.errors import ValidationFailed

if TYPE_CHECKING:
    from python_multipart.multipart import MultipartCallbacks

FORM: Final = b"multipart/form-data"
MAX_FORM_BYTES: Final = 64 * 1024
"""What a form may have beside its file."""


class FormFile(NamedTuple):
    """`filename` as the client gave it, `""` for none; `chunks` to be iterated once, to the end:
    they raise ValidationFailed where the form is malformed or ends before its time."""

    filename: str
    chunks: AsyncIterator[bytes]


class _Began(NamedTuple):
    """A part, whose headers are read."""

    name: str
    filename: str


class _Ended(NamedTuple):
    """A part, or with `is_form` all of them."""

    is_form: bool


_Event = _Began | _Ended | bytes


async def form_file(request: Request, name: str) -> FormFile:
    """The first field of that name. Raises ValidationFailed where there is none."""
    events = _events(request)
    async for event in events:
        if isinstance(event, _Began) and event.name == name:
            return FormFile(event.filename, _data(events))
    raise ValidationFailed(name, "Field required")


async def _data(events: AsyncIterator[_Event]) -> AsyncIterator[bytes]:
    """Of the part that has begun; what comes after it is read and left alone."""
    is_ours = True
    async for event in events:
        if isinstance(event, bytes) and is_ours:
            yield event
        is_ours = is_ours and isinstance(event, bytes)


async def _events(request: Request) -> AsyncIterator[_Event]:
    kind, options = parse_options_header(request.headers.get("content-type"))
    boundary = options.get(b"boundary")
    if kind != FORM or not boundary:
        raise ValidationFailed("body", "must be multipart/form-data")
    collected = _Collected()
    complete = False
    try:
        parser = MultipartParser(boundary, collected.callbacks())
        async for chunk in streamed(request):
            parser.write(chunk)
            for event in collected.taken():
                complete = complete or event == _Ended(is_form=True)
                yield event
    except FormParserError as error:
        raise ValidationFailed("body", "not a form") from error
    if not complete:
        raise ValidationFailed("body", "cut short")


class _Collected:
    """What the parser has found in a chunk."""

    def __init__(self) -> None:
        self._events: list[_Event] = []
        self._name = b""
        self._value = b""
        self._headers: dict[bytes, bytes] = {}

    def taken(self) -> list[_Event]:
        found, self._events = self._events, []
        return found

    def callbacks(self) -> "MultipartCallbacks":
        return {
            "on_part_begin": self._begin,
            "on_header_field": self._header_name,
            "on_header_value": self._header_value,
            "on_header_end": self._header_end,
            "on_headers_finished": self._headers_end,
            "on_part_data": lambda data, start, end: self._events.append(data[start:end]),
            "on_part_end": lambda: self._events.append(_Ended(is_form=False)),
            "on_end": lambda: self._events.append(_Ended(is_form=True)),
        }

    def _begin(self) -> None:
        self._headers = {}

    def _header_name(self, data: bytes, start: int, end: int) -> None:
        self._name += data[start:end]

    def _header_value(self, data: bytes, start: int, end: int) -> None:
        self._value += data[start:end]

    def _header_end(self) -> None:
        self._headers[self._name.lower()] = self._value
        self._name = self._value = b""

    def _headers_end(self) -> None:
        told = self._headers.get(b"content-disposition", b"").decode("latin-1")
        _, options = parse_options_header(told)
        name = options.get(b"name", b"").decode("latin-1")
        filename = options.get(b"filename", b"").decode("latin-1")
        # The parser makes the last name of a path on a drive, which was never the client's.
        self._events.append(_Began(name, told if "\\" in told else filename))

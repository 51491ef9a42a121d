"""The words that a controller with a text protocol of its own is spoken to with."""

from typing import Annotated, Any, Literal

from pydantic import ConfigDict, Field, ValidationInfo, field_validator

from drivers.configuration import DeviceModel, WireBytes
from drivers.plcs.tcp_socket.templates import Template

Words = Annotated[str, Field(min_length=1, max_length=255)]
Terminator = Annotated[WireBytes, Field(min_length=1, max_length=8)]

# What a template may hold and what it must: one of each group.
_PLACES = ("address", "tag")
_DEMANDED: dict[str, tuple[tuple[str, ...], ...]] = {
    "greeting": (),
    "read_command": (_PLACES,),
    "read_answer": (("value",),),
    "write_command": (_PLACES, ("value",)),
    "write_answer": (),
    "error_answer": (),
    "push": (_PLACES, ("value",)),
    "probe_command": (),
    "probe_answer": (),
}
_ALLOWED: dict[str, tuple[str, ...]] = {
    "greeting": ("value",),
    "read_command": _PLACES,
    "read_answer": (*_PLACES, "value"),
    "write_command": (*_PLACES, "value"),
    "write_answer": (*_PLACES, "value"),
    "error_answer": ("reason",),
    "push": ("address", "tag", "value"),
    "probe_command": (),
    "probe_answer": ("value",),
}


class TcpSocketSettings(DeviceModel):
    """Lines of text between `start` and `terminator`, made and understood by templates with
    `{address}` and `{tag}` (a binding's), `{value}` and `{reason}`; `{{` is a brace itself.

    A command is answered by one line: its `..._answer`, or `error_answer`; any other line ends
    the connection, for the next answers would be taken for those of other questions. So an answer
    with the address in it is the better one. Where a command is null the controller does not know
    it. `greeting`: what it says first. `push`: lines that it sends by itself, beside which others
    are passed over. `silence_s`: the longest that it keeps silent while it is well.
    """

    model_config = ConfigDict(validate_default=True)

    start: WireBytes = Field(default=b"", max_length=8)
    terminator: Terminator = b"\r\n"
    encoding: Literal["ascii", "latin-1", "utf-8"] = "latin-1"
    greeting: Words | None = None
    read_command: Words | None = "RD {address}"
    read_answer: Words = "{address} {value}"
    write_command: Words | None = "WR {address} {value}"
    write_answer: Words = "OK"
    error_answer: Words | None = "ERR {reason}"
    push: Words | None = None
    probe_command: Words | None = None
    probe_answer: Words = "{value}"
    true_word: Words = "1"
    false_word: Words = "0"
    silence_s: float | None = Field(default=None, gt=0, le=3600)
    max_line_bytes: int = Field(default=1024, ge=16, le=65536)

    @field_validator(*_DEMANDED)
    @classmethod
    def _is_a_template(cls, value: str | None, info: ValidationInfo) -> str | None:
        if value is not None and info.field_name is not None:
            _check(Template(value), info.field_name, info.data)
        return value

    @field_validator("true_word", "false_word")
    @classmethod
    def _is_a_word(cls, value: str, info: ValidationInfo) -> str:
        _check_plain(value, info.data)
        if value != value.strip():
            raise ValueError("no spaces around it")
        if value == info.data.get("true_word"):
            raise ValueError("another word than true_word")
        return value


def _check(template: Template, field: str, data: dict[str, Any]) -> None:
    for name in template.fields:
        if name not in _ALLOWED[field]:
            known = ", ".join(f"{{{each}}}" for each in _ALLOWED[field]) or "none"
            raise ValueError(f"{{{name}}} has no place here; there may be: {known}")
    for group in _DEMANDED[field]:
        if not set(group) & set(template.fields):
            raise ValueError("needs " + " or ".join(f"{{{each}}}" for each in group))
    if field == "error_answer" and template.text == "{reason}":
        raise ValueError("needs more than {reason}, which every line would be")
    _check_plain(template.text, data)


def _check_plain(text: str, data: dict[str, Any]) -> None:
    try:
        written = text.encode(data.get("encoding", "latin-1"))
    except UnicodeEncodeError:
        raise ValueError("a character that the encoding does not have") from None
    if any(byte < 0x20 or byte == 0x7F for byte in written):
        raise ValueError("a control character")
    if data.get("terminator", b"\n") in written:
        raise ValueError("holds the terminator")

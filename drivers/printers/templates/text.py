"""Templates for printers with a line protocol: one command a line, then the command to print."""

from collections.abc import Mapping
from functools import partial

from domain.kernel.errors import ValidationFailed
from domain.production.codes import GS
from drivers.printers.jobs import Command, Document
from drivers.printers.parameters import TextParameters
from drivers.printers.templates.declaration import (
    LabelTemplate,
    MarkedBody,
    ParameterType,
    TemplateParameter,
    is_marked,
    pieces,
)
from drivers.printers.templates.parts import Part, Slot, written
from drivers.printers.templates.values import Unfit, Value


def compile_text(template: LabelTemplate, parameters: TextParameters) -> "TextBody":
    """Raises ValidationFailed for `body`, or `parameters.<n>.name` for one that is not used."""
    return TextBody(MarkedBody(template), parameters)


class TextBody:
    def __init__(self, body: MarkedBody, parameters: TextParameters) -> None:
        self._body = body
        self._parameters = parameters
        self._separators = frozenset(parameters.separators)
        lines = [line for line in body.text.splitlines() if line.strip()]
        self._lines = [self._line(line) for line in lines]
        if not lines and not parameters.print_command:
            raise ValidationFailed("body", "has no line, and the printer no print_command")

    def render(self, values: Mapping[str, Value], copies: int | None) -> Document:
        count = copies or 1
        lines = [self._written(line, values) for line in self._lines]
        if not self._parameters.print_command:
            # The lines print by themselves: all of them again for each copy.
            return Document(tuple(Command(line) for _ in range(count) for line in lines), count)
        setting = [Command(line, prints=False) for line in lines]
        printing = Command(self._framed(self._parameters.print_command.encode("ascii")))
        return Document((*setting, *[printing] * count), count)

    def _line(self, line: str) -> list[Part]:
        parts: list[Part] = []
        lead = ""
        for piece in pieces(line):
            if is_marked(piece):
                self._refuse_verb(lead)
                parameter = self._body.parameter(piece)
                parts.append(Slot(parameter, partial(self._value, parameter)))
            else:
                self._encoded(piece, "body")
                parts.append(piece)
            lead += piece
        return parts

    def _refuse_verb(self, lead: str) -> None:
        length = self._parameters.verb_length
        if length is not None and len(lead) >= length:
            return
        if not self._separators & set(lead):
            raise ValidationFailed(
                "body", "a value may stand only behind the command and its separator"
            )

    def _value(self, parameter: TemplateParameter, value: Value) -> str:
        """Latin-1 text stands for bytes from here on."""
        text = value.text if value.code is None else value.code
        if self._separators & set(text):
            raise Unfit("holds a separator of the printer's protocol")
        try:
            parts = [part.encode(self._parameters.encoding) for part in text.split(GS)]
        except UnicodeEncodeError:
            raise Unfit(f"cannot be written in {self._parameters.encoding}") from None
        self._refuse_controls(parts)
        if parameter.type is not ParameterType.GS1:
            return parts[0].decode("latin-1")
        joined = self._parameters.gs1_separator.join(parts)
        return (self._parameters.gs1_prefix + joined).decode("latin-1")

    def _refuse_controls(self, parts: list[bytes]) -> None:
        """Some encodings put characters where ASCII has its signs; the wire sees only bytes."""
        for part in parts:
            if any(byte < 0x20 or byte == 0x7F for byte in part):
                raise Unfit("becomes a control character in the printer's encoding")

    def _written(self, line: list[Part], values: Mapping[str, Value]) -> bytes:
        framed = self._framed(
            b"".join(
                written(part, values).encode("latin-1")
                if isinstance(part, Slot)
                else self._encoded(part, "body")
                for part in line
            )
        )
        self._refuse_framing(framed, line)
        return framed

    def _refuse_framing(self, framed: bytes, line: list[Part]) -> None:
        """The line must end where it ends and begin where it begins, for the printer too."""
        start, end = self._parameters.start, self._parameters.terminator
        inner = framed[len(start) :]
        if inner.find(end) == len(inner) - len(end) and (not start or start not in inner):
            return
        slots = [part for part in line if isinstance(part, Slot)]
        field = f"params.{slots[0].parameter.name}" if slots else "body"
        raise ValidationFailed(field, "holds the start or the end of a command")

    def _framed(self, command: bytes) -> bytes:
        return self._parameters.start + command + self._parameters.terminator

    def _encoded(self, text: str, field: str) -> bytes:
        try:
            return text.encode(self._parameters.encoding)
        except UnicodeEncodeError:
            encoding = self._parameters.encoding
            raise ValidationFailed(field, f"cannot be written in {encoding}") from None

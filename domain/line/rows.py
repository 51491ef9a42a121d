"""Rows of the line's configuration. Times in microseconds."""

from typing import NamedTuple


class OverrideRow(NamedTuple):
    key: str
    value: str
    actor: str
    changed_at_us: int


class TemplateRow(NamedTuple):
    """`document` is JSON text, see PrinterTemplate."""

    printer_index: int
    name: str
    document: str
    changed_at_us: int
    changed_by: str

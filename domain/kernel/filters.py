"""A filter dataclass as SQL: each part that is set must hold."""

from dataclasses import fields
from typing import TYPE_CHECKING, Any, cast

from sqlalchemy import ColumnElement, Table, and_

if TYPE_CHECKING:
    from _typeshed import DataclassInstance


def matching(table: Table, customer_id: int, wanted: "DataclassInstance") -> ColumnElement[bool]:
    """Fields are columns of `table`; `x_from_us` and `x_to_us` bound the column `x_at_us`
    (from included, to not)."""
    parts: list[ColumnElement[bool]] = [table.c.customer_id == customer_id]
    for part in fields(wanted):
        value = getattr(wanted, part.name)
        if value is not None:
            parts.append(_condition(table, part.name, value))
    return and_(*parts)


def _condition(table: Table, name: str, value: Any) -> ColumnElement[bool]:
    if name.endswith("_from_us"):
        found = table.c[f"{name.removesuffix('_from_us')}_at_us"] >= value
    elif name.endswith("_to_us"):
        found = table.c[f"{name.removesuffix('_to_us')}_at_us"] < value
    else:
        found = table.c[name] == value
    return cast(ColumnElement[bool], found)

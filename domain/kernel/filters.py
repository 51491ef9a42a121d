"""A filter: what is asked of a list, and as SQL. Each part that is set must hold."""

from dataclasses import fields
from typing import TYPE_CHECKING, Any, cast

from sqlalchemy import ColumnElement, Table, UniqueConstraint, and_

from domain.kernel.errors import ValidationFailed
from domain.kernel.text import is_storable

if TYPE_CHECKING:
    from _typeshed import DataclassInstance


class Filter:
    """Every part that is set must hold; of a tuple any one value will do. Text that no database
    holds is refused."""

    __slots__ = ()

    def __post_init__(self) -> None:
        for part in fields(self):  # type: ignore[arg-type]  # those that inherit are dataclasses
            value = getattr(self, part.name)
            for text in value if isinstance(value, tuple) else (value,):
                if isinstance(text, str) and not is_storable(text):
                    raise ValidationFailed(part.name, "holds what cannot be stored")


def matching(table: Table, customer_id: int, wanted: "DataclassInstance") -> ColumnElement[bool]:
    """Fields are columns of `table`; `x_from_us` and `x_to_us` bound the column `x_at_us`
    (from included, to not)."""
    return and_(table.c.customer_id == customer_id, *_conditions(table, wanted))


def listed(table: Table, customer_id: int, wanted: "DataclassInstance") -> ColumnElement[bool]:
    """As `matching`, for a page in the order of ids.

    SQLite would choose any index that begins with the customer, and sort everything of that
    customer for each page. Where no filter has an index of its own, the page is read along the
    primary key instead, which `+ 0` brings about on both databases.
    """
    given = {part.name for part in fields(wanted) if getattr(wanted, part.name) is not None}
    if given & _indexed(table):
        return matching(table, customer_id, wanted)
    return and_(table.c.customer_id + 0 == customer_id, *_conditions(table, wanted))


def _indexed(table: Table) -> set[str]:
    names = {column.name for index in table.indexes for column in index.columns}
    for constraint in table.constraints:
        if isinstance(constraint, UniqueConstraint):
            names |= {column.name for column in constraint.columns}
    return names - {"customer_id"}


def _conditions(table: Table, wanted: "DataclassInstance") -> list[ColumnElement[bool]]:
    given = ((part.name, getattr(wanted, part.name)) for part in fields(wanted))
    return [_condition(table, name, value) for name, value in given if value is not None]


def _condition(table: Table, name: str, value: Any) -> ColumnElement[bool]:
    if name.endswith("_from_us"):
        found = table.c[f"{name.removesuffix('_from_us')}_at_us"] >= value
    elif name.endswith("_to_us"):
        found = table.c[f"{name.removesuffix('_to_us')}_at_us"] < value
    elif isinstance(value, tuple):
        found = table.c[name].in_(value)
    else:
        found = table.c[name] == value
    return cast(ColumnElement[bool], found)

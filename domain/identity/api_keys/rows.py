"""Rows of API keys. Times in microseconds; the key itself is in none."""

from typing import NamedTuple

from domain.kernel.permissions import Role


class ApiKeyRow(NamedTuple):
    id: str
    customer_id: int
    name: str
    prefix: str
    role: Role
    created_at_us: int
    created_by: str
    last_used_at_us: int | None
    expires_at_us: int | None
    revoked_at_us: int | None
    is_demo: bool

"""Rows as the repository returns them. Times in microseconds. No secret is in any of them but
`CredentialRow`, which only a login sees."""

from typing import NamedTuple

from domain.identity.models import ConsentDocument
from domain.kernel.permissions import Role


class CustomerRow(NamedTuple):
    id: int
    public_id: str
    name: str


class SignInRow(NamedTuple):
    """`client_id` is of the OAuth client by which the customer's users get tokens."""

    customer_public_id: str
    client_id: str | None


class UserRow(NamedTuple):
    id: str
    customer_id: int
    username: str
    display_name: str
    role: Role
    created_at_us: int
    disabled_at_us: int | None
    token_generation: int
    is_demo: bool
    customer_public_id: str
    first_name: str | None = None
    last_name: str | None = None
    email: str | None = None
    language: str | None = None
    updated_at_us: int | None = None


class ConsentRow(NamedTuple):
    user_id: str
    document: ConsentDocument
    version: str
    agreed_at_us: int


class CredentialRow(NamedTuple):
    user: UserRow
    password_hash: str

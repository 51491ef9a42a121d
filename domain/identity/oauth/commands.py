"""What can be asked of OAuth clients."""

from typing import Annotated

from pydantic import AfterValidator, Field

from domain.identity.commands import DisplayName
from domain.identity.mappings import SCOPES
from domain.identity.oauth.models import GrantType
from domain.kernel.commands import Command


def _known(scopes: tuple[str, ...]) -> tuple[str, ...]:
    unknown = next((scope for scope in scopes if scope not in SCOPES), None)
    if unknown is not None:
        raise ValueError(f"{unknown!r} is no scope")
    return tuple(dict.fromkeys(scopes))


Scopes = Annotated[
    tuple[str, ...], Field(min_length=1, max_length=len(SCOPES)), AfterValidator(_known)
]


class CreateClient(Command):
    """`scopes` are the most that its tokens may carry."""

    name: DisplayName
    scopes: Scopes
    grant_types: Annotated[tuple[GrantType, ...], Field(min_length=1, max_length=2)] = (
        GrantType.CLIENT_CREDENTIALS,
    )

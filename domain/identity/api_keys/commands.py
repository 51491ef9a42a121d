"""What can be asked of API keys."""

from typing import Annotated

from pydantic import Field

from domain.identity.commands import DisplayName
from domain.kernel.commands import Command
from domain.kernel.permissions import Role


class CreateApiKey(Command):
    """Without `expires_at_us` it is good until somebody revokes it."""

    name: DisplayName
    role: Role
    expires_at_us: Annotated[int, Field(gt=0, lt=2**62)] | None = None

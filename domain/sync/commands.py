"""What can be asked of synchronisation."""

from typing import Annotated

from pydantic import Field, SecretStr, StringConstraints

from domain.kernel.commands import Command
from domain.sync.models import ConnectionMode

Label = Annotated[str, StringConstraints(min_length=1, max_length=256, pattern=r"^[^\x00-\x1f]+$")]
MAX_CODES = 1_000
DEFAULT_CODES = 100


class SignIn(Command):
    """The cloud's account, not one of ours."""

    email: Annotated[str, StringConstraints(min_length=1, max_length=320, pattern=r"^[^\x00]+$")]
    password: Annotated[SecretStr, Field(min_length=1, max_length=1024)]


class ActivateDevice(Command):
    """What is left out is taken from the cloud's list of devices."""

    device_id: Label
    device_name: Label | None = None
    company_id: Label | None = None
    company_name: Label | None = None
    seq_number: Label | None = None
    device_mode: Label | None = None


class SetConnectionMode(Command):
    mode: ConnectionMode


class TakeCodes(Command):
    """`request_key`: asking again with the same key gets the same codes."""

    limit: Annotated[int, Field(ge=1, le=MAX_CODES)] = DEFAULT_CODES
    request_key: Annotated[str, StringConstraints(pattern=r"^[!-~]{1,128}$")] | None = None

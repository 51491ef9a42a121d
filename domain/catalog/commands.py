"""What can be asked of the catalogues."""

from typing import Annotated, Final
from urllib.parse import urlsplit
from zoneinfo import ZoneInfo

from pydantic import AfterValidator, StringConstraints

from domain.kernel.commands import Command

MAX_URL: Final = 2048


def time_zone(name: str) -> str:
    """An IANA name. Raises ValueError for anything else."""
    try:
        ZoneInfo(name)
    except (ValueError, OSError, LookupError):
        raise ValueError("not a time zone (IANA, as Europe/Moscow)") from None
    return name


def _url(text: str) -> str:
    try:
        parts = urlsplit(text)
        good = parts.scheme in ("http", "https") and bool(parts.hostname) and parts.port != 0
    except ValueError:
        good = False
    if not good or parts.username or parts.password:
        raise ValueError("must be http or https with a host, without credentials")
    return text


Code = Annotated[str, StringConstraints(pattern=r"^[A-Za-z0-9][A-Za-z0-9._-]{0,63}$")]
Label = Annotated[str, StringConstraints(min_length=1, max_length=128, pattern=r"^[^\x00-\x1f]+$")]
Description = Annotated[str, StringConstraints(max_length=1024, pattern=r"^[^\x00]*$")]
TimeZone = Annotated[str, StringConstraints(min_length=1, max_length=64), AfterValidator(time_zone)]
Url = Annotated[
    str, StringConstraints(max_length=MAX_URL, pattern=r"^[!-~]+$"), AfterValidator(_url)
]


class AddCloudEndpoint(Command):
    name: Label
    url: Url
    description: Description | None = None


class AddSite(Command):
    code: Code
    name: Label
    time_zone: TimeZone = "UTC"
    description: Description | None = None


class AddVariant(Command):
    code: Code
    name: Label
    description: Description | None = None

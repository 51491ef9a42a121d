"""What an edge is told to install, and how it says how that goes."""

import re
from dataclasses import asdict, dataclass
from enum import StrEnum
from typing import Any, Final, Protocol, Self

from pydantic import TypeAdapter, ValidationError

from domain.kernel.commands import refused
from domain.kernel.errors import ValidationFailed
from domain.software.models import TargetState

_DIGEST: Final = re.compile(r"[0-9a-f]{64}", re.ASCII)


@dataclass(frozen=True, slots=True)
class Order:
    """A release to install. `url` is where its bytes are, `size_bytes` exactly how many."""

    target_id: str
    attempt: int
    hop: int
    release_id: str
    application: str
    version: str
    filename: str
    size_bytes: int
    sha256: str
    url: str
    signature: str | None = None
    key_id: str | None = None
    expires_at_us: int | None = None

    def __post_init__(self) -> None:
        """Raises ValidationFailed. The digest becomes a file's name: nothing else may."""
        if _DIGEST.fullmatch(self.sha256) is None:
            raise ValidationFailed("sha256", "not a digest in lower-case hex")
        if self.size_bytes < 1:
            raise ValidationFailed("sizeBytes", "an artifact has at least one byte")
        if not self.url.startswith(("http://", "https://")):
            raise ValidationFailed("url", "not an address that can be downloaded from")

    @property
    def key(self) -> str:
        """The same order again has the same key."""
        return f"{self.target_id}-{self.attempt}-{self.hop}"

    @classmethod
    def of(cls, data: dict[str, Any]) -> Self:
        """Raises ValidationFailed."""
        try:
            return _ORDER.validate_python(data)  # type: ignore[return-value]
        except ValidationError as error:
            raise refused(error) from error


_ORDER: Final = TypeAdapter(Order)


@dataclass(frozen=True, slots=True)
class Report:
    """A step. `report_key` is its own for ever: repeating the report has no further effect."""

    target_id: str
    attempt: int
    hop: int
    state: TargetState
    message: str | None
    report_key: str

    def as_json(self) -> dict[str, Any]:
        return asdict(self)

    @classmethod
    def of(cls, data: dict[str, Any]) -> Self:
        return cls(**data | {"state": TargetState(data["state"])})


class Reporter(Protocol):
    """The way to the factory."""

    async def report(self, report: Report) -> None:
        """Returns once the factory has it on disk. Raises DomainError: Unavailable, TimedOut and
        UpstreamFailed are tried again, others mean that the factory will never take it."""


class Phase(StrEnum):
    """How far an order has come, as it is kept over a crash. HOOK: the install hook was begun and
    its end is not known. RESTARTING: it ended well and the version shows after a restart.
    FALLING_BACK: the rollback hook was begun."""

    DOWNLOADING = "DOWNLOADING"
    HOOK = "HOOK"
    RESTARTING = "RESTARTING"
    FALLING_BACK = "FALLING_BACK"
    ENDED = "ENDED"

"""Which edges are simulated, and what they do."""

from dataclasses import dataclass, field
from typing import Final
from urllib.parse import urlsplit, urlunsplit

from domain.software.ports import SignatureVerifier
from drivers.backoff import BackoffPolicy
from drivers.upstream.requests import checked_base_url

SOCKET_PATH: Final = "/ws/device"


@dataclass(frozen=True, slots=True)
class EdgeCredentials:
    """An edge that the factory knows: its printed identifier and its device JWT."""

    identifier: str
    token: str = field(repr=False)


@dataclass(frozen=True, slots=True)
class EdgeBehaviour:
    """What each edge does.

    `rate` is bottles a second, brought every `deliver_every_s`; while the factory is away up to
    `max_waiting` wait, then the line stands. Of the updates `update_failures`, a share from 0 to
    1, fail at the installation, which takes `install_s`. With `trusted` only what is signed is
    installed. Raises ValueError for numbers that cannot be meant.
    """

    rate: float = 1.0
    deliver_every_s: float = 1.0
    max_waiting: int = 50_000
    line_id: str = "line-sim"
    firmware_version: str = "1.0.0"
    update_failures: float = 0.0
    install_s: float = 0.0
    trusted: SignatureVerifier | None = None
    backoff: BackoffPolicy = field(default_factory=BackoffPolicy)

    def __post_init__(self) -> None:
        if self.rate < 0 or self.install_s < 0 or not 0 <= self.update_failures <= 1:
            raise ValueError("rate, install_s >= 0 and a share from 0 to 1 must hold")
        if self.deliver_every_s <= 0 or self.max_waiting < 1:
            raise ValueError("deliver_every_s > 0 and max_waiting >= 1 must hold")


def socket_url(factory_url: str) -> str:
    """Where devices of this factory dial in. Raises ValidationFailed for no http(s) URL."""
    parts = urlsplit(checked_base_url(factory_url))
    scheme = "wss" if parts.scheme == "https" else "ws"
    return urlunsplit((scheme, parts.netloc, parts.path.rstrip("/") + SOCKET_PATH, "", ""))

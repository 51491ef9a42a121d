"""What fleet needs from the process around it, and what its resolvers are handed."""

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, NamedTuple, Protocol

from domain.fleet.rows import CommandRow
from domain.fleet.rules import FleetSettings

if TYPE_CHECKING:
    from domain.fleet.results import ResultWaiter
    from domain.fleet.sessions import SessionRegistry


class LiveDevice(NamedTuple):
    """A device whose socket this process holds."""

    device_id: str
    session_id: str
    address: str
    since_us: int


class CommandChannel(Protocol):
    """The way to devices that are connected to this process."""

    def send(self, device_id: str, command: CommandRow) -> bool:
        """Whether a live session here took it. Never waits; taken is not yet acknowledged."""

    def sessions(self) -> Sequence[LiveDevice]: ...


@dataclass(frozen=True, slots=True)
class FleetServices:
    """What the resolvers of fleet are handed. `sessions` is this process's CommandChannel."""

    sessions: "SessionRegistry"
    results: "ResultWaiter"
    settings: FleetSettings = field(default_factory=FleetSettings)

    @property
    def channel(self) -> CommandChannel:
        return self.sessions

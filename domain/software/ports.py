"""What software needs from outside: a place for artifacts, trusted keys, the fleet's devices."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import NamedTuple, Protocol

from domain.kernel.artifacts import ArtifactStore
from domain.kernel.database import ReadSession
from domain.kernel.uow import UnitOfWork
from domain.software.commands import EndpointQuery
from domain.software.rows import InstalledRow


class SignatureVerifier(Protocol):
    """Knows the public keys that are trusted here."""

    def verify(self, sha256: str, signature: str, key_id: str | None) -> None:
        """`signature` is base64 of Ed25519 over the digest's 32 bytes. Raises ValidationFailed
        unless a trusted key made it: the named one, or any where none is named."""


class DeviceState(NamedTuple):
    """A device as the fleet knows it. `version`: what of the application it last reported."""

    id: str
    version: str | None
    online: bool
    group_ids: frozenset[str]


@dataclass(frozen=True, slots=True)
class UpdateOrder:
    """The content of an `update_firmware` command. `command_id` is its idempotency key: the same
    order again is the same command. It is void after `expires_at_us`."""

    command_id: str
    target_id: str
    attempt: int
    hop: int
    release_id: str
    application: str
    version: str
    filename: str
    size_bytes: int
    sha256: str
    signature: str | None
    key_id: str | None
    expires_at_us: int


class RejectRate(NamedTuple):
    rejected: int
    total: int


class UndoneUpdate(NamedTuple):
    """An order that its device will never carry out: refused by it, or withdrawn. `message` is
    why."""

    customer_id: int
    command_id: str
    message: str


class RunningSoftware(NamedTuple):
    """What a device last reported, of every application; the last word first."""

    device_id: str
    installed: tuple[InstalledRow, ...]


class DeviceDirectory(Protocol):
    """The fleet, as far as software needs it. All scoped to one customer."""

    async def find(
        self,
        session: ReadSession,
        customer_id: int,
        application: str,
        *,
        device_ids: Sequence[str] = (),
        group_ids: Sequence[str] = (),
        queries: Sequence[EndpointQuery] = (),
    ) -> list[DeviceState]:
        """The named ones, the members of the groups and what the queries find, each once. Raises
        NotFound for an id that names nothing; a device may be named by id or printed
        identifier."""

    async def running(
        self, session: ReadSession, customer_id: int, key: str
    ) -> RunningSoftware | None:
        """Of a present device by id or printed identifier; None where there is none."""

    async def matching(
        self,
        session: ReadSession,
        customer_id: int,
        device_id: str,
        queries: Mapping[str, EndpointQuery],
    ) -> frozenset[str]:
        """The names of those queries that find this device."""

    async def count(self, session: ReadSession, customer_id: int, query: EndpointQuery) -> int:
        """How many devices it finds now."""

    async def states(
        self, session: ReadSession, customer_id: int, application: str, device_ids: Sequence[str]
    ) -> dict[str, DeviceState]:
        """By plain id; a device that is gone is missing."""

    async def is_installed(
        self, session: ReadSession, customer_id: int, application: str, version: str
    ) -> bool:
        """Whether any device last reported that it runs this version."""

    async def send_update(self, work: UnitOfWork, device_id: str, order: UpdateOrder) -> None:
        """Records the command in this unit of work; it waits for a device that is offline.
        Raises NotFound for a device that is gone, RateLimited or Conflict where it can take no
        more now; in these cases nothing was written."""

    async def cancel_update(self, work: UnitOfWork, device_id: str, command_id: str) -> bool:
        """True where it was not delivered yet and now never will be."""

    async def undone_updates(self, session: ReadSession, limit: int) -> list[UndoneUpdate]:
        """Of any customer: orders that ended while their target is still DISPATCHED."""

    async def reject_rate(
        self, session: ReadSession, customer_id: int, line_id: str, since_us: int
    ) -> RejectRate:
        """Of what the line read since then."""


@dataclass(frozen=True, slots=True)
class SoftwareSettings:
    """`require_signature` refuses artifacts that come without one."""

    max_artifact_bytes: int = 2 * 1024**3
    require_signature: bool = False
    default_application: str = "edge"
    """What the documented upload, which names no application, uploads a version of."""
    link_lifetime_s: int = 900
    """How long a link to a file is good."""
    files_url: str = ""
    """Where links of the graph lead to, without a slash at the end; a path where it is not known
    how this factory is reached."""


@dataclass(frozen=True, slots=True)
class SoftwareServices:
    """What the resolvers of software are handed. `signatures` is None where no key is trusted."""

    artifacts: ArtifactStore
    devices: DeviceDirectory
    signatures: SignatureVerifier | None = None
    settings: SoftwareSettings = field(default_factory=SoftwareSettings)

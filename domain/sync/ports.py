"""What synchronisation needs from outside: the cloud, a target, a box for secrets."""

from collections.abc import Sequence
from dataclasses import dataclass, field
from hashlib import sha256
from typing import TYPE_CHECKING, Annotated, NamedTuple, Protocol, Self

from pydantic import AwareDatetime, Field, StringConstraints

from domain.kernel.errors import ValidationFailed

if TYPE_CHECKING:
    from domain.sync.passes import SyncRunner

Text = Annotated[str, StringConstraints(min_length=1, max_length=512)]
Version = Annotated[int, Field(strict=True, ge=0)]
Count = Annotated[int, Field(strict=True, ge=0)]
BottleStatus = Annotated[int, Field(strict=True, ge=0, le=5)]


@dataclass(frozen=True, slots=True, kw_only=True)
class CloudSession:
    """A user's session: opens the choice and the activation of devices, nothing else."""

    user_token: Text = field(repr=False)
    expires_at_us: int


@dataclass(frozen=True, slots=True, kw_only=True)
class CloudDevice:
    """A device that the signed-in user may activate."""

    id: Text
    name: Text
    company_id: Text
    company_name: Text
    seq_number: Text
    device_mode: Text


@dataclass(frozen=True, slots=True, kw_only=True)
class ActivationRequest:
    """The device as the operator confirmed it; name and mode may differ from the cloud's."""

    device_name: Text
    company_id: Text
    seq_number: Text
    device_mode: Text


@dataclass(frozen=True, slots=True, kw_only=True)
class CloudActivation:
    """An activated device. `device_identifier` is `edge-<seq>_<unix seconds>`."""

    device_token: Text = field(repr=False)
    expires_at_us: int
    activated_at: AwareDatetime
    device_id: Text
    device_identifier: Text
    device_name: Text
    company_id: Text
    company_name: Text
    seq_number: Text
    device_mode: Text
    industry: Text


@dataclass(frozen=True, slots=True, kw_only=True)
class CloudLine:
    id: Text
    name: Text
    identifier: Text
    company_id: Text
    product_id: Text
    party: Text


@dataclass(frozen=True, slots=True, kw_only=True)
class CloudCompany:
    """`time_zone` is an IANA name, `industry` names the code profiles (`milk`, ...)."""

    id: Text
    name: Text
    industry: Text
    time_zone: Text


class IssuedCodes(NamedTuple):
    """Codes that no one else gets, and how many the pool still holds."""

    codes: tuple[str, ...]
    remaining: int


@dataclass(frozen=True, slots=True, kw_only=True)
class BottleState:
    """A bottle as of `version`; `status` is the documented number, 0 to 5."""

    id: Text
    version: Version
    identifier: Text
    status: BottleStatus
    created_at: AwareDatetime
    updated_at: AwareDatetime
    gtin: Text | None = None
    serial: Text | None = None
    production_line_id: Text | None = None
    product_id: Text | None = None
    party: Text | None = None
    device_id: Text | None = None
    batch_id: Text | None = None
    is_preprint: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class BatchState:
    """A production batch as of `version`; its bottles point to it."""

    id: Text
    version: Version
    identifier: Text
    status: Text
    bottle_count: Count
    created_at: AwareDatetime
    updated_at: AwareDatetime
    name: Text | None = None
    batch_size: Count | None = None
    production_line_id: Text | None = None
    product_id: Text | None = None
    party: Text | None = None
    device_id: Text | None = None
    pallet_id: Text | None = None
    completed_at: AwareDatetime | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class PalletState:
    """A pallet as of `version`; its batches point to it."""

    id: Text
    version: Version
    identifier: Text
    status: Text
    batch_count: Count
    created_at: AwareDatetime
    updated_at: AwareDatetime
    sscc: Text | None = None
    name: Text | None = None
    production_line_id: Text | None = None
    device_id: Text | None = None
    completed_at: AwareDatetime | None = None


EntityState = BottleState | BatchState | PalletState


@dataclass(frozen=True, slots=True, kw_only=True)
class SyncBatch:
    """One delivery. Ids are unique across the three kinds, since receipts name ids alone.

    Two deliveries with one `idempotency_key` must hold the same states, in any order.
    Raises ValidationFailed where an id comes twice.
    """

    idempotency_key: str
    bottles: tuple[BottleState, ...] = ()
    batches: tuple[BatchState, ...] = ()
    pallets: tuple[PalletState, ...] = ()

    def __post_init__(self) -> None:
        if len(set(self.ids)) != len(self.ids):
            raise ValidationFailed("batch", "an id comes more than once")

    @property
    def ids(self) -> tuple[str, ...]:
        states: tuple[EntityState, ...] = (*self.bottles, *self.batches, *self.pallets)
        return tuple(state.id for state in states)

    @classmethod
    def of(
        cls,
        *,
        bottles: Sequence[BottleState] = (),
        batches: Sequence[BatchState] = (),
        pallets: Sequence[PalletState] = (),
    ) -> Self:
        """A delivery whose key follows from the states in it, whatever their order."""
        states = sorted(repr(state) for state in (*bottles, *batches, *pallets))
        key = sha256("\n".join(states).encode()).hexdigest()
        return cls(
            idempotency_key=key,
            bottles=tuple(bottles),
            batches=tuple(batches),
            pallets=tuple(pallets),
        )


@dataclass(frozen=True, slots=True)
class Rejection:
    """`reason` is for machines: INVALID, VERSION_CONFLICT, DUPLICATE_IDENTIFIER, ..."""

    id: str
    reason: str


@dataclass(frozen=True, slots=True)
class SyncReceipt:
    """Names every id of the delivery exactly once. Accepted means: need not be sent again."""

    accepted: tuple[str, ...]
    rejected: tuple[Rejection, ...] = ()


class CloudPort(Protocol):
    """The cloud. Every call raises, and raises only, these domain errors:

    Unauthorized (wrong credentials, a dead or foreign token), NotFound, ValidationFailed,
    Unavailable (not reachable), TimedOut, UpstreamFailed (it failed or spoke nonsense).
    """

    async def sign_in(self, email: str, password: str) -> CloudSession: ...

    async def devices(self, user_token: str) -> list[CloudDevice]: ...

    async def activate(
        self, user_token: str, device_id: str, activation: ActivationRequest
    ) -> CloudActivation:
        """A device has one live token: activating it again ends the one before."""

    async def deactivate(self, device_token: str, device_id: str) -> None:
        """Ends the token. Unauthorized when that happened already."""

    async def lines(self, device_token: str) -> list[CloudLine]: ...

    async def codes(
        self, device_token: str, limit: int, *, request_key: str | None = None
    ) -> IssuedCodes:
        """Takes codes out of the pool for good; the same `request_key` gets the same ones."""

    async def company(self, device_token: str) -> CloudCompany: ...

    async def push(self, device_token: str, batch: SyncBatch) -> SyncReceipt:
        """Repeatable: by key, by id and by version a second delivery has no further effect."""


class SyncTarget(Protocol):
    """Whoever takes what the queue holds: the cloud, or a factory on the way to it."""

    async def push(self, batch: SyncBatch) -> SyncReceipt:
        """As `CloudPort.push`, with the same errors."""


class SecretBox(Protocol):
    """Keeps tokens unreadable at rest."""

    def seal(self, secret: str) -> str: ...

    def open(self, sealed: str) -> str:
        """Raises Conflict for what this installation's key did not seal."""


@dataclass(frozen=True, slots=True)
class SyncServices:
    """What the resolvers of synchronisation are handed. `cloud` is None where no cloud URL is
    configured."""

    cloud: CloudPort | None
    secrets: SecretBox
    runner: "SyncRunner"

"""Who asks: the one thing about a caller that the domain knows."""

from dataclasses import dataclass
from enum import StrEnum

from domain.kernel.errors import Forbidden, Unauthorized
from domain.kernel.permissions import Permission, Role


class ActorKind(StrEnum):
    """A CLIENT is a program with OAuth credentials of its own, an API_KEY whoever holds that key;
    a user who came in by a client stays a USER, with less permissions."""

    ANONYMOUS = "ANONYMOUS"
    API_KEY = "API_KEY"
    CLIENT = "CLIENT"
    DEVICE = "DEVICE"
    SYSTEM = "SYSTEM"
    USER = "USER"


@dataclass(frozen=True, slots=True)
class Actor:
    """An authenticated caller, or nobody. `id` is a plain id, for SYSTEM a component's name."""

    kind: ActorKind
    customer_id: int
    id: str
    name: str
    permissions: frozenset[Permission]
    role: Role | None = None

    def require(self, permission: Permission) -> None:
        """The first line of every resolver. Raises Unauthorized for nobody, else Forbidden."""
        if permission in self.permissions:
            return
        if self.kind is ActorKind.ANONYMOUS:
            raise Unauthorized("Invalid or missing token")
        raise Forbidden("Insufficient permissions", required_permission=str(permission))

    def require_known(self) -> None:
        """Any authenticated caller will do."""
        if self.kind is ActorKind.ANONYMOUS:
            raise Unauthorized("Invalid or missing token")


ANONYMOUS = Actor(ActorKind.ANONYMOUS, 0, "", "anonymous", frozenset())


def system_actor(component: str, customer_id: int) -> Actor:
    """The platform itself, acting for `component` (a scanner, the sync worker)."""
    return Actor(ActorKind.SYSTEM, customer_id, component, component, frozenset(Permission))

"""What an edge can do when its factory says so: handlers with typed arguments, and outcomes."""

from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass
from typing import Any, Final, Protocol, TypeVar

import orjson
import structlog
from pydantic import JsonValue

from domain.fleet.arguments import ARGUMENTS, Arguments, arguments_of
from domain.fleet.models import CommandType
from domain.kernel.errors import DomainError

log: structlog.stdlib.BoundLogger = structlog.get_logger(__name__)
A = TypeVar("A", bound=Arguments)
Handler = Callable[[Any], Awaitable[JsonValue]]

UNSUPPORTED: Final = "UNSUPPORTED"
FORBIDDEN: Final = "FORBIDDEN"
INTERRUPTED: Final = "INTERRUPTED"


@dataclass(frozen=True, slots=True)
class Outcome:
    """How a command ended; it failed exactly where there is an `error_code`."""

    result: JsonValue = None
    error_code: str | None = None
    error: str = ""

    def text(self) -> str:
        """For the disk; see `outcome_of`."""
        return orjson.dumps([self.result, self.error_code, self.error]).decode()


def outcome_of(text: str) -> Outcome:
    return Outcome(*orjson.loads(text))


class CommandExecutor(Protocol):
    """Carries a command out. What fails is an outcome; nothing is raised but cancellation."""

    def capabilities(self) -> tuple[str, ...]:
        """The commands it knows, by their documented names."""

    async def execute(self, kind: CommandType, arguments: Mapping[str, Any]) -> Outcome: ...


class CommandHandlers:
    """A CommandExecutor made of one handler for each command. A handler's DomainError is a
    failure that people may read; any other error is told as a fault and logged whole.

    `exec_shell` is taken only with `allow_shell`, the edge's own setting, whoever asks.
    """

    def __init__(self, *, allow_shell: bool = False) -> None:
        self._allow_shell = allow_shell
        self._handlers: dict[CommandType, Handler] = {}

    def register(
        self, kind: CommandType, model: type[A], handler: Callable[[A], Awaitable[JsonValue]]
    ) -> None:
        """`model` is the command's own (see ARGUMENTS); naming it gives the handler its types.
        Raises ValueError for another one, or a command that has a handler."""
        if ARGUMENTS[kind] is not model:
            raise ValueError(f"{kind} takes {ARGUMENTS[kind].__name__}")
        if kind in self._handlers:
            raise ValueError(f"{kind} has a handler")
        self._handlers[kind] = handler

    def capabilities(self) -> tuple[str, ...]:
        return tuple(sorted(str(kind) for kind in self._handlers if self._is_allowed(kind)))

    async def execute(self, kind: CommandType, arguments: Mapping[str, Any]) -> Outcome:
        handler = self._handlers.get(kind)
        if not self._is_allowed(kind):
            return Outcome(error_code=FORBIDDEN, error="This edge does not allow it")
        if handler is None:
            return Outcome(error_code=UNSUPPORTED, error="This edge cannot do it")
        try:
            return Outcome(await handler(arguments_of(kind, arguments)))
        except DomainError as error:
            return Outcome(error_code=str(error.code), error=error.message)
        except Exception:
            log.exception("command_failed", command=str(kind))
            return Outcome(error_code="SERVER_ERROR", error="The edge failed to carry it out")

    def _is_allowed(self, kind: CommandType) -> bool:
        return self._allow_shell or kind is not CommandType.EXEC_SHELL

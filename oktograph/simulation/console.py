"""Words that a simulated device obeys while it runs: typed, or told over a socket."""

import inspect
from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Final, Protocol

from domain.kernel.errors import DomainError, ValidationFailed

OK: Final = "OK"
ERROR: Final = "ERR"
HELP: Final = "help"
# What an action says besides that it was done; it may raise ValueError, KeyError or DomainError.
Act = Callable[[Sequence[str]], str | Awaitable[str | None] | None]


@dataclass(frozen=True, slots=True)
class Word:
    """`takes` is for people: `labels`, `[labels]`, or nothing."""

    act: Act
    means: str
    takes: str = ""


class Console(Protocol):
    def help(self) -> list[str]:
        """One line for each thing that can be said."""

    async def say(self, words: Sequence[str]) -> str:
        """An answer of one or more lines that begins with OK, or with ERR and a reason."""


class DeviceConsole:
    """Of one device."""

    def __init__(self, words: Mapping[str, Word]) -> None:
        self._words = words

    def help(self) -> list[str]:
        return [
            f"{f'{name} {word.takes}'.strip():<28} {word.means}"
            for name, word in self._words.items()
        ]

    async def say(self, words: Sequence[str]) -> str:
        if words == [HELP]:
            return "\n".join([OK, *self.help()])
        word = self._words.get(words[0].lower()) if words else None
        if word is None:
            return f"{ERROR} there is {', '.join([*self._words, HELP])}"
        try:
            said = word.act(words[1:])
            said = await said if inspect.isawaitable(said) else said
        except ValidationFailed as error:
            return f"{ERROR} {error.details['reason']}"
        except DomainError as error:
            return f"{ERROR} {error.message}"
        except KeyError as error:
            return f"{ERROR} there is no {error.args[0]}"
        except TimeoutError:
            return f"{ERROR} nobody takes it"
        except ValueError:
            return f"{ERROR} {words[0]} takes {word.takes or 'nothing more'}"
        return OK if said is None else f"{OK} {said}"


class LineConsole:
    """Of several devices, each spoken to by its name first."""

    def __init__(self) -> None:
        self.devices: dict[str, Console] = {}

    def help(self) -> list[str]:
        return [f"{name} {line}" for name, one in self.devices.items() for line in one.help()]

    async def say(self, words: Sequence[str]) -> str:
        if words == [HELP]:
            return "\n".join([OK, *self.help()])
        device = self.devices.get(words[0].lower()) if words else None
        if device is None:
            return f"{ERROR} there is {', '.join([*self.devices, HELP])}"
        return await device.say(words[1:])


def only(words: Sequence[str]) -> str:
    """The one that there is. Raises ValueError."""
    [word] = words
    return word


def none(words: Sequence[str]) -> None:
    """Raises ValueError where there is one."""
    if words:
        raise ValueError("nothing more")

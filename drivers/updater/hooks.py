"""Runs what actually installs: a configured program, without a shell, in bounds."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Final

from drivers.processes import run_bounded

KEPT_OUTPUT: Final = 4_000


@dataclass(frozen=True, slots=True)
class Hook:
    """`argv` may hold {artifact}, {version}, {application}, {previous} and {previous_version}.
    An exit with `restart_code` means: installed, in force after a restart."""

    argv: tuple[str, ...]
    timeout_s: float = 600.0
    restart_code: int | None = None

    def __post_init__(self) -> None:
        if not self.argv or self.timeout_s <= 0:
            raise ValueError("a hook is a program and has a positive timeout")


@dataclass(frozen=True, slots=True)
class HookResult:
    """`output` is the end of what it printed; `code` is None where it was ended by the timeout."""

    code: int | None
    output: str

    @property
    def succeeded(self) -> bool:
        return self.code == 0


async def run(hook: Hook, values: Mapping[str, str]) -> HookResult:
    """Never raises for what the program does; one that cannot be started has code 127."""
    argv = filled(hook.argv, values)
    ended = await run_bounded(argv, hook.timeout_s, keep_bytes=KEPT_OUTPUT)
    if ended.code is None:
        return HookResult(None, f"did not end within {hook.timeout_s:g} s")
    return HookResult(ended.code, ended.output)


def filled(argv: Sequence[str], values: Mapping[str, str]) -> list[str]:
    """Each argument stays one argument, whatever a value holds."""
    found = []
    for part in argv:
        for name, value in values.items():
            part = part.replace("{" + name + "}", value)
        found.append(part)
    return found

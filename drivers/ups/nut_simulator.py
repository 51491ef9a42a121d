"""A Network UPS Tools server that is a real TCP peer. What it answers, and in which order it
refuses, was taken from what upsd 2.8.0 says on the wire."""

import shlex
from collections.abc import Callable, Mapping
from typing import Final

from pydantic import BaseModel, ConfigDict, Field

from drivers.line_server import LinePeer, LineServer
from drivers.ups.simulation import BatteryTest, SimulatedUps, SimulatedUpsConfig

_RESULTS: Final[Mapping[BatteryTest, str]] = {
    BatteryTest.NEVER: "No test initiated",
    BatteryTest.RUNNING: "In progress",
    BatteryTest.PASSED: "Done and passed",
    BatteryTest.WARNING: "Done and warning",
    BatteryTest.FAILED: "Done and error",
    BatteryTest.ABORTED: "Aborted",
}
_SETTABLE: Final = "battery.charge"
_COMMANDS: Final = (
    "test.battery.start.quick",
    "test.battery.stop",
    "test.failure.start",
    "test.failure.stop",
)


class NutUser(BaseModel):
    """As in upsd.users: `commands` is instcmds = ALL, `sets` is actions = SET."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    password: str
    commands: bool = True
    sets: bool = True


class NutSimulatorConfig(BaseModel):
    """With port 0 it takes any free one. `commands` are what the UPS lists."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    host: str = "127.0.0.1"
    port: int = Field(default=0, ge=0, le=65535)
    name: str = "ups"
    description: str = "Simulated UPS"
    users: Mapping[str, NutUser] = Field(default_factory=dict)
    commands: tuple[str, ...] = _COMMANDS
    ups: SimulatedUpsConfig = SimulatedUpsConfig()


class NutSimulator(LineServer):
    """Serves one `SimulatedUps`, which may be handed in to be told by another protocol as well.

    Besides the faults of a LineServer: `fault` is a word such as DATA-STALE with which every
    question about the UPS is refused. Another process may pull the plug by the instant commands
    test.failure.start and test.failure.stop, and set battery.charge, as with upscmd and upsrw.
    """

    def __init__(
        self, config: NutSimulatorConfig | None = None, ups: SimulatedUps | None = None
    ) -> None:
        self.config = config or NutSimulatorConfig()
        super().__init__(self._answers_to, host=self.config.host, port=self.config.port)
        self.ups = ups or SimulatedUps(self.config.ups)
        self.fault: str | None = None
        self.commands_run: list[str] = []

    def _answers_to(self, peer: LinePeer) -> "_Client":
        return _Client(self, peer)

    def variables(self) -> dict[str, str]:
        ups = self.ups
        return {
            "battery.charge": f"{ups.battery_percent:.0f}",
            "battery.charge.low": f"{ups.config.low_percent:.0f}",
            "battery.runtime": str(ups.runtime_s),
            "device.mfr": ups.config.manufacturer,
            "device.model": ups.config.model,
            "device.type": "ups",
            "input.voltage": f"{ups.input_voltage:.1f}",
            "ups.load": f"{ups.load_percent:.0f}",
            "ups.mfr": ups.config.manufacturer,
            "ups.model": ups.config.model,
            "ups.status": self.status(),
            "ups.test.result": _RESULTS[ups.test_state],
        }

    def status(self) -> str:
        ups = self.ups
        words = ["FSD"] if ups.forced_shutdown else []
        words += ["OB", "DISCHRG"] if ups.on_battery else ["OL"]
        words += ["CHRG"] if not ups.on_battery and ups.battery_percent < 100 else []
        words += ["LB"] if ups.low_battery else []
        words += ["RB"] if ups.replace_battery else []
        return " ".join(words)

    def run(self, command: str) -> str:
        """An instant command that this UPS lists."""
        self.commands_run.append(command)
        if command == "test.battery.start.quick":
            return "OK" if self.ups.start_test() else "ERR INSTCMD-FAILED"
        actions: dict[str, Callable[[], None]] = {
            "test.battery.stop": self.ups.abort_test,
            "test.failure.start": self.ups.outage,
            "test.failure.stop": self.ups.restore,
        }
        if command not in actions:
            return "ERR INSTCMD-FAILED"
        actions[command]()
        return "OK"

    def set(self, variable: str, value: str) -> str:
        if variable not in self.variables():
            return "ERR VAR-NOT-SUPPORTED"
        if variable != _SETTABLE:
            return "ERR READONLY"
        try:
            self.ups.battery_percent = float(value)
        except ValueError:
            return "ERR INVALID-VALUE"
        return "OK"


class _Client:
    """One connection's log-in and questions."""

    def __init__(self, server: NutSimulator, peer: LinePeer) -> None:
        self._server = server
        self._peer = peer
        self._username: str | None = None
        self._password: str | None = None
        self._logged_in = False
        self._commands: Mapping[str, Callable[[list[str]], str]] = {
            "VER": lambda _: "Oktograph simulated upsd",
            "NETVER": lambda _: "1.3",
            "HELP": lambda _: f"Commands: {' '.join(self._commands)}",
            "GET": self._get,
            "LIST": self._list,
            "SET": self._set,
            "INSTCMD": self._instcmd,
            "LOGIN": self._login,
            "LOGOUT": self._logout,
            "USERNAME": self._take_username,
            "PASSWORD": self._take_password,
            "STARTTLS": lambda _: "ERR FEATURE-NOT-CONFIGURED",
        }

    def heard(self, line: str) -> str:
        try:
            command, *arguments = shlex.split(line)
        except ValueError:
            return "ERR UNKNOWN-COMMAND"
        answer = self._commands.get(command.upper())
        return answer(arguments) if answer else "ERR UNKNOWN-COMMAND"

    def over(self) -> None:
        """Nothing is kept of a connection."""

    def _take_username(self, arguments: list[str]) -> str:
        if len(arguments) != 1:
            return "ERR INVALID-ARGUMENT"
        if self._username is not None:
            return "ERR ALREADY-SET-USERNAME"
        self._username = arguments[0]
        return "OK"

    def _take_password(self, arguments: list[str]) -> str:
        """Any password is taken: it is looked at where something is to be done."""
        if len(arguments) != 1:
            return "ERR INVALID-ARGUMENT"
        if self._password is not None:
            return "ERR ALREADY-SET-PASSWORD"
        self._password = arguments[0]
        return "OK"

    def _login(self, arguments: list[str]) -> str:
        if len(arguments) != 1:
            return "ERR INVALID-ARGUMENT"
        if self._logged_in:
            return "ERR ALREADY-LOGGED-IN"
        refusal = self._nobody() or self._no_ups(arguments[0])
        if refusal is None and self._user() is None:
            refusal = "ERR ACCESS-DENIED"
        self._logged_in = refusal is None
        return refusal or "OK"

    def _logout(self, _: list[str]) -> str:
        self._peer.leaving = True
        return "OK Goodbye"

    def _instcmd(self, arguments: list[str]) -> str:
        if refusal := self._nobody():
            return refusal
        if len(arguments) not in (2, 3):
            return "ERR INVALID-ARGUMENT"
        ups, command = arguments[:2]
        if refusal := self._no_ups(ups):
            return refusal
        if command not in self._server.config.commands:
            return "ERR CMD-NOT-SUPPORTED"
        user = self._user()
        return self._server.run(command) if user and user.commands else "ERR ACCESS-DENIED"

    def _set(self, arguments: list[str]) -> str:
        if refusal := self._nobody():
            return refusal
        if len(arguments) != 4 or arguments[0].upper() != "VAR":
            return "ERR INVALID-ARGUMENT"
        _, ups, variable, value = arguments
        user = self._user()
        if user is None or not user.sets:
            return "ERR ACCESS-DENIED"
        return self._no_ups(ups) or self._server.set(variable, value)

    def _get(self, arguments: list[str]) -> str:
        match arguments:
            case ["VAR", ups, variable]:
                return self._no_ups(ups) or self._variable(ups, variable)
            case ["DESC" | "CMDDESC" as what, ups, name]:
                return self._no_ups(ups) or f'{what} {ups} {name} "Description unavailable"'
            case ["TYPE", ups, name]:
                return self._no_ups(ups) or f"TYPE {ups} {name} RW STRING:32"
            case ["UPSDESC", ups]:
                known = ups == self._server.config.name
                return f'UPSDESC {ups} "{self._server.config.description}"' if known else _UNKNOWN
            case _:
                return "ERR INVALID-ARGUMENT"

    def _variable(self, ups: str, variable: str) -> str:
        value = self._server.variables().get(variable)
        return "ERR VAR-NOT-SUPPORTED" if value is None else f'VAR {ups} {variable} "{value}"'

    def _list(self, arguments: list[str]) -> str:
        config = self._server.config
        match arguments:
            case ["UPS"]:
                return _listed("UPS", [f'UPS {config.name} "{config.description}"'])
            case ["VAR", ups]:
                rows = [f'VAR {ups} {k} "{v}"' for k, v in sorted(self._server.variables().items())]
                return self._no_ups(ups) or _listed(f"VAR {ups}", rows)
            case ["RW", ups]:
                rows = [f'RW {ups} {_SETTABLE} "{self._server.variables()[_SETTABLE]}"']
                return self._no_ups(ups) or _listed(f"RW {ups}", rows)
            case ["CMD", ups]:
                rows = [f"CMD {ups} {command}" for command in config.commands]
                return self._no_ups(ups) or _listed(f"CMD {ups}", rows)
            case _:
                return "ERR INVALID-ARGUMENT"

    def _nobody(self) -> str | None:
        if self._username is None:
            return "ERR USERNAME-REQUIRED"
        return "ERR PASSWORD-REQUIRED" if self._password is None else None

    def _no_ups(self, name: str) -> str | None:
        if name != self._server.config.name:
            return _UNKNOWN
        return f"ERR {self._server.fault}" if self._server.fault else None

    def _user(self) -> NutUser | None:
        user = self._server.config.users.get(self._username or "")
        return user if user is not None and user.password == self._password else None


_UNKNOWN: Final = "ERR UNKNOWN-UPS"


def _listed(what: str, rows: list[str]) -> str:
    return "\n".join([f"BEGIN LIST {what}", *rows, f"END LIST {what}"])

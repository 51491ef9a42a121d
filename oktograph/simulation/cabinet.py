"""A simulated UPS by each protocol, a simulated panel, and what the drivers are told of them."""

from typing import Any, Final

from domain.kernel.errors import Unavailable
from drivers.gpio.simulator import (
    GpioSimulator,
    GpioSimulatorConfig,
    SimulatedButton,
    SimulatedLed,
)
from drivers.ups.nut_simulator import NutSimulator, NutSimulatorConfig, NutUser
from drivers.ups.simulation import SimulatedUpsConfig
from oktograph.simulation.device import Device
from oktograph.simulation.misfortunes import Faulty
from oktograph.simulation.words import panel_faults, panel_words, ups_words

Json = dict[str, Any]
USER: Final = "edge"
PASSWORD: Final = "simulated"  # noqa: S105 - of a simulation, and shown
BUTTONS: Final = {"start": 17, "stop": 4, "acknowledge": 5}
# By what each mirrors.
LEDS: Final = {"RUNNING": 27, "STOPPED": 22, "ALARM": 23, "ONLINE": 24, "POWER": 25}


def nut_device(config: NutSimulatorConfig, *, on_battery: bool = False) -> Device[NutSimulator]:
    users = {USER: NutUser(password=PASSWORD)}
    server = NutSimulator(config.model_copy(update={"users": users}))
    if on_battery:
        server.ups.outage()

    def settings() -> Json:
        place = {"host": config.host, "port": server.port, "ups": config.name}
        return {"UPS": {"protocol": "NUT", **place, "username": USER, "password": PASSWORD}}

    faulty = Faulty(server.stall, server.resume, server.cut)
    words = ups_words(server.ups, faulty)
    return Device(
        "UPS by NUT", server, lambda: f"{config.host}:{server.port}", settings, faulty, words
    )


def snmp_device(
    ups: SimulatedUpsConfig, host: str, port: int, *, on_battery: bool = False
) -> Device[Any]:
    """Raises Unavailable where its library is not installed."""
    try:
        from drivers.ups.snmp_simulator import SnmpSimulator, SnmpSimulatorConfig
    except ModuleNotFoundError as error:
        raise Unavailable("SNMP needs the package pysnmp: install oktograph[snmp]") from error

    agent = SnmpSimulator(SnmpSimulatorConfig(host=host, port=port, ups=ups))
    if on_battery:
        agent.ups.outage()

    def settings() -> Json:
        return {"UPS": {"protocol": "SNMP", "host": host, "port": agent.port}}

    faulty = Faulty(agent.stall, agent.resume)
    words = ups_words(agent.ups, faulty)
    return Device("UPS by SNMP", agent, lambda: f"{host}:{agent.port}", settings, faulty, words)


def panel_device(host: str = "127.0.0.1", port: int = 0) -> Device[GpioSimulator]:
    panel = GpioSimulator(
        GpioSimulatorConfig(
            host=host,
            port=port,
            buttons=tuple(SimulatedButton(name=name, line=at) for name, at in BUTTONS.items()),
            leds=tuple(SimulatedLed(name=name.lower(), line=at) for name, at in LEDS.items()),
        )
    )

    def settings() -> Json:
        buttons = [{"name": name, "line": line} for name, line in BUTTONS.items()]
        leds = [{"name": m.lower(), "line": line, "mirrors": m} for m, line in LEDS.items()]
        return {"GPIO": {"chip": panel.url, "buttons": buttons, "leds": leds}}

    return Device(
        "panel", panel, lambda: panel.url, settings, panel_faults(panel), panel_words(panel)
    )

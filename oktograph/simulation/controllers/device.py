"""A simulated controller as a device, with the machine behind it."""

from typing import Any

from oktograph.simulation.controllers.base import Controller
from oktograph.simulation.device import Device
from oktograph.simulation.machine import Machine, words_of


def controller_device(controller: Controller, plc_id: str = "plc") -> Device[Any]:
    def settings() -> dict[str, object]:
        return {
            "PLCS": [controller.plc(plc_id)],
            "PLC_BINDINGS": controller.bindings(plc_id),
        }

    return Device(
        "controller",
        controller.simulator,
        lambda: controller.where,
        settings,
        controller.faulty,
        words_of(controller),
        Machine(controller).moving(),
    )

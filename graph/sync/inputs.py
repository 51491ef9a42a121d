"""Inputs of synchronisation, each named after its mutation."""

import strawberry

from domain.sync.commands import ActivateDevice
from graph.pagination import plain_id


@strawberry.input
class ActivateDeviceInput:
    device_id: strawberry.ID
    device_name: str | None = None
    company_id: str | None = None
    company_name: str | None = None
    seq_number: str | None = None
    device_mode: str | None = None

    def command(self) -> ActivateDevice:
        device_id = plain_id(self.device_id, "CloudDevice")
        return ActivateDevice.of(**(vars(self) | {"device_id": device_id}))

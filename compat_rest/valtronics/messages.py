"""The messages of Valtronics' /ws: flat, unlike those of other dialects. `device_id` is the number
by which paths name a device."""

from typing import Any, Final, Literal

from compat_rest.kernel.messages import StreamMessage
from compat_rest.valtronics.schemas import Status, Time

PATH: Final = "/ws"


class DeviceStatusUpdateMessage(StreamMessage):
    """A device came, went, or is otherwise than before."""

    type: Literal["device_status_update"]
    device_id: int
    old_status: Status
    new_status: Status
    timestamp: Time
    reason: str | None


class DeviceConfigUpdateMessage(StreamMessage):
    """A device was configured. `configuration` has what is otherwise than before, null for what is
    gone."""

    type: Literal["device_config_update"]
    device_id: int
    configuration: dict[str, Any]
    timestamp: Time


MESSAGES: Final[tuple[type[StreamMessage], ...]] = (
    DeviceStatusUpdateMessage,
    DeviceConfigUpdateMessage,
)

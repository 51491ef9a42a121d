"""A scanner on USB that types (a keyboard wedge) or reports (HID POS): its settings."""

from enum import StrEnum
from typing import Annotated, Final

from pydantic import AfterValidator, Field

from drivers.configuration import DeviceModel
from drivers.serial_port import device_path

BY_ID: Final = "/dev/input/by-id/"


class HidProtocol(StrEnum):
    """KEYBOARD: /dev/input/eventN, keys of the US layout. POS: /dev/hidrawN, reports of the bar
    code scanner page (0x8C)."""

    KEYBOARD = "KEYBOARD"
    POS = "POS"


class EndKey(StrEnum):
    """A key that ends a code; ENTER is that of the keypad as well."""

    ENTER = "ENTER"
    TAB = "TAB"


def _named(device: str) -> str:
    return device_path(device if "/" in device else BY_ID + device)


class HidDevice(DeviceModel):
    """`device` is an absolute path, or a name in /dev/input/by-id.

    `ends` and `grab` are of a KEYBOARD. With `grab` nobody else gets the keys: without it they
    are typed into whatever else runs on the machine as well.
    """

    device: Annotated[str, Field(min_length=1, max_length=255), AfterValidator(_named)]
    protocol: HidProtocol = HidProtocol.KEYBOARD
    ends: tuple[EndKey, ...] = Field(default=(EndKey.ENTER, EndKey.TAB), min_length=1)
    grab: bool = True

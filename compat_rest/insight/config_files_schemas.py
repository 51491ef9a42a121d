"""Bodies of device config files."""

from typing import Annotated, Literal

from pydantic import Field

from compat_rest.insight.schemas import Given, Shown
from domain.fleet.config_files.commands import NAME


class DeviceConfig(Shown):
    """`id` is the client's own. Times in milliseconds, `file_size` in bytes."""

    id: str
    class_: Literal["device"] = Field(alias="class")
    name: str
    last_modified: int
    created: int
    file_size: int


class DeviceConfigs(Shown):
    configs: list[DeviceConfig]


class DownloadLink(Shown):
    """Opens the file to whoever has it, for five minutes."""

    download_link: str


class WantedFile(Given):
    """Of which a link is wanted, by the id that the client gave it."""

    device_config_id: Annotated[str, Field(max_length=128, pattern=NAME)]

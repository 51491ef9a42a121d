"""Files that devices are configured by, as the graph shows and takes them."""

from base64 import b64decode, b64encode
from binascii import Error as Base64Error
from collections.abc import AsyncIterator
from typing import Final

import strawberry

from domain.fleet.config_files.commands import OCTETS, PutConfigFile
from domain.fleet.config_files.rows import ConfigFileRow
from domain.kernel.errors import ValidationFailed
from graph.fleet.resolvers import config_files as resolvers
from graph.fleet.resolvers.config_files import FileLink
from graph.info import Info
from graph.pagination import Node, global_id, plain_id
from graph.scalars import Timestamp

LINKS: Final = "/insight/device-config-files/"
"""Where the factory's port answers them."""
MAX_SHOWN_BYTES: Final = 1024 * 1024
"""What is larger comes by its link."""


@strawberry.type(description="Bytes that devices are configured by, kept as they came")
class DeviceConfigFile(Node):
    identifier: str = strawberry.field(description="What its client calls it by")
    name: str
    media_type: str
    size_bytes: float
    sha256: str
    created_at: Timestamp
    updated_at: Timestamp
    row: strawberry.Private[ConfigFileRow]

    @strawberry.field(description="In base64; null for more than 1 MiB, which a link leads to")
    async def content(self, info: Info) -> str | None:
        if self.row.size_bytes > MAX_SHOWN_BYTES:
            return None
        found = await resolvers.open_config_file(info.context, self.row.id)
        return b64encode(b"".join([chunk async for chunk in found.chunks])).decode()


@strawberry.type(description="Opens a file to whoever has it, until then")
class DeviceConfigFileLink:
    url: str = strawberry.field(
        description="Absolute where the installation has a public address, else on this port"
    )
    expires_at: Timestamp
    file: DeviceConfigFile


@strawberry.input(
    description="Creates it or replaces what it was. What does not fit into a request of GraphQL "
    "is put to /insight/{customer_id}/device-configs/{identifier}, as it is"
)
class PutDeviceConfigFileInput:
    identifier: str
    name: str = strawberry.field(description="A name, never a path")
    content: str = strawberry.field(description="In base64")
    media_type: str = OCTETS

    def command(self) -> PutConfigFile:
        given = vars(self).copy()
        del given["content"]
        return PutConfigFile.of(**given)

    async def chunks(self) -> AsyncIterator[bytes]:
        """Raises ValidationFailed."""
        try:
            found = b64decode(self.content, validate=True)
        except (Base64Error, ValueError):
            raise ValidationFailed("content", "not base64") from None
        if found:
            yield found


def config_file_key(value: str) -> str:
    return plain_id(value, "DeviceConfigFile")


def config_file_type(row: ConfigFileRow) -> DeviceConfigFile:
    return DeviceConfigFile(
        id=global_id("DeviceConfigFile", row.id),
        identifier=row.identifier,
        name=row.name,
        media_type=row.media_type,
        size_bytes=row.size_bytes,
        sha256=row.sha256,
        created_at=Timestamp(row.created_at_us),
        updated_at=Timestamp(row.updated_at_us),
        row=row,
    )


def link_type(link: FileLink, public_url: str) -> DeviceConfigFileLink:
    return DeviceConfigFileLink(
        url=f"{public_url}{LINKS}{link.token}",
        expires_at=Timestamp(link.expires_at_us),
        file=config_file_type(link.row),
    )

"""What devices run and what they are offered, in the graph."""

import strawberry

from domain.software.links import FileLink
from domain.software.ports import SoftwareServices
from domain.software.rows import InstalledRow, SoftwareName
from graph.info import Info
from graph.pagination import found
from graph.scalars import Timestamp
from graph.software import loaders
from graph.software.access import software
from graph.software.resolvers import Offer
from graph.software.types import Release, release_type


@strawberry.type(description="What of an application a device last reported as installed")
class InstalledSoftware:
    device_id: strawberry.ID
    application: str
    version: str
    reported_at: Timestamp

    @strawberry.field(description="Null for a version that is no release here")
    async def release(self, info: Info) -> Release | None:
        name = SoftwareName(self.application, self.version)
        row = await loaders.release_by_name(info.context).load(name)
        return found(row, release_type)


@strawberry.type(description="An address that needs no token, until it expires")
class ArtifactLink:
    url: str
    filename: str
    expires_at: Timestamp


@strawberry.type(description="What a device may install now, over what it runs")
class SoftwareOffer:
    current: InstalledSoftware
    release: Release
    link: ArtifactLink | None = strawberry.field(description="Null where the release has no file")


def installed_type(row: InstalledRow) -> InstalledSoftware:
    return InstalledSoftware(
        device_id=strawberry.ID(row.device_id),
        application=row.application,
        version=row.version,
        reported_at=Timestamp(row.reported_at_us),
    )


def link_type(link: FileLink, services: SoftwareServices) -> ArtifactLink:
    return ArtifactLink(
        url=f"{services.settings.files_url}/{link.token}/{link.filename}",
        filename=link.filename,
        expires_at=Timestamp(link.expires_at_us),
    )


def offer_type(info: Info, offer: Offer) -> SoftwareOffer:
    link = None if offer.link is None else link_type(offer.link, software(info.context))
    return SoftwareOffer(
        current=installed_type(offer.current),
        release=release_type(offer.view.release),
        link=link,
    )

"""Bodies of the catalogues, as the OKTO factory API has them."""

from typing import Annotated, Final

from pydantic import Field

from compat_rest.kernel.fields import Body
from compat_rest.kernel.okto.schemas import Answer, Time
from compat_rest.okto_factory.fields import Label
from domain.catalog import commands as catalog
from domain.catalog.commands import MAX_URL

# What the catalogue takes, written so that a reader of the description can tell.
_URL: Final = (
    r"^https?://[A-Za-z0-9]([A-Za-z0-9-]*[A-Za-z0-9])?(\.[A-Za-z0-9]([A-Za-z0-9-]*[A-Za-z0-9])?)*"
    r"(:[1-9][0-9]{0,3})?(/[!-~]*)?$"
)
Code = Annotated[str, Field(pattern=r"^[A-Za-z0-9][A-Za-z0-9._-]{0,63}$")]
Description = Annotated[str, Field(max_length=1024, pattern=r"^[^\x00]*$")]
TimeZone = Annotated[catalog.TimeZone, Field(json_schema_extra={"format": "time-zone"})]
Url = Annotated[str, Field(max_length=MAX_URL, json_schema_extra={"pattern": _URL})]


class CloudEndpointBody(Body):
    name: Label
    url: Url
    description: Description | None = None


class SiteBody(Body):
    """`timeZone` is an IANA name."""

    code: Code
    name: Label
    time_zone: TimeZone = "UTC"
    description: Description | None = None


class VariantBody(Body):
    code: Code
    name: Label
    description: Description | None = None


class CloudEndpoint(Answer):
    id: str
    name: str
    url: str
    description: str | None
    created_at: Time


class Site(Answer):
    id: str
    code: str
    name: str
    time_zone: str
    description: str | None
    created_at: Time


class Variant(Answer):
    id: str
    code: str
    name: str
    description: str | None
    created_at: Time

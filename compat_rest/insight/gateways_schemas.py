"""Bodies of gateways and their provisioning."""

from typing import Annotated, Literal

from pydantic import Field

from compat_rest.insight.schemas import Given, Shown, Uuid
from compat_rest.kernel.fields import PRINTABLE
from domain.gateways.commands import MAX_AT_ONCE, MAX_PACKAGES

Text = Annotated[str, Field(min_length=1, max_length=128, pattern=PRINTABLE)]
Free = Annotated[str, Field(max_length=128, pattern=r"^[^\x00]*$")]


class GatewayBody(Given):
    usecase: Text
    station: Text
    name: Text


class GatewaysBody(Given):
    """All of them are created, or none."""

    gateways: Annotated[list[GatewayBody], Field(min_length=1, max_length=MAX_AT_ONCE)]


class GatewayChanges(Given):
    """Only what is given changes."""

    usecase: Text | None = None
    station: Text | None = None
    name: Text | None = None


class Gateway(Shown):
    """What is not known of a gateway is an empty text. Times in milliseconds since the epoch."""

    id: Uuid
    model: str
    manufacturer: str
    class_: Annotated[Literal["gateway"], Field(alias="class")]
    type: Literal["stationary", "mobile"]
    firmware: str
    created: int
    last_updated: int
    usecase: str
    station: str
    thing_name: str
    name: str
    connectivity_status: Literal["NOT_REGISTERED", "REGISTERING", "ACTIVE", "INACTIVE"]


class Prepared(Shown):
    """`registration_path` is the whole path at this server."""

    registration_path: str
    token: str


class TokenBody(Given):
    token: str


class Provisioned(Shown):
    """`pkcs12` is base64 of the DER; the bundle is not encrypted."""

    mqtt_endpoint: str
    mqtt_topic_prefix: str
    certificate_common_name: str
    gateway: Gateway
    pkcs12: str


class ById(Given):
    gateway_id: Free


class ByName(Given):
    gateway_name: Free


class WifiBody(Given):
    ssid: Free | None = None
    password: Free | None = None
    authentication_type: Free | None = None


class PackagesBody(Given):
    """A gateway is named by its id (also its thing name or serial), or by its displayed name."""

    gateways: Annotated[list[ById | ByName], Field(min_length=1, max_length=MAX_PACKAGES)]
    wifi: WifiBody | None = None


class Package(Shown):
    gateway_id: Uuid
    package_url: str


class Packages(Shown):
    gateways: list[Package]

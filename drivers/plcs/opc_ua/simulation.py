"""What a simulated OPC UA server has and allows, as data."""

from pydantic import BaseModel, ConfigDict, Field, SecretStr, model_validator

from drivers.plcs.opc_ua.settings import UaSecurityMode, UaSecurityPolicy
from drivers.plcs.tags import Scalar, TagType

NAMESPACE_URI = "urn:oktograph:simulator"


class SimulatedNode(BaseModel):
    """`name` is the string identifier; its dots are folders. Without a `value` it is the type's
    own nought. `is_array`: it holds two of it."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    name: str = Field(pattern=r"^[A-Za-z0-9_]+(\.[A-Za-z0-9_]+)*$")
    type: TagType = TagType.BOOL
    value: Scalar | None = None
    writable: bool = True
    is_array: bool = False
    description: str = ""

    @property
    def initial(self) -> Scalar:
        if self.value is not None:
            return self.value
        if self.type is TagType.STRING:
            return ""
        return self.type is not TagType.BOOL and 0


class SimulatedUser(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid")

    name: str = Field(min_length=1)
    password: SecretStr
    may_write: bool = True


class SimulatedEndpoint(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid")

    policy: UaSecurityPolicy = UaSecurityPolicy.NONE
    mode: UaSecurityMode = UaSecurityMode.SIGN_AND_ENCRYPT


class SimulatedEncoder(BaseModel):
    """A shaft that turns: `node` counts its pulses."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    node: str
    pulses_per_s: float = Field(default=100.0, gt=0, le=100_000)


class SimulatorConfig(BaseModel):
    """With port 0 it takes any free one. Policies need a `certificate_folder`, where the server's
    own certificate is made when there is none; `trusted_certificate_path` is of clients."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    host: str = "127.0.0.1"
    port: int = Field(default=0, ge=0, le=65535)
    path: str = Field(default="/line", pattern=r"^(/[!-~]*)?$")
    nodes: tuple[SimulatedNode, ...] = ()
    encoder: SimulatedEncoder | None = None
    endpoints: tuple[SimulatedEndpoint, ...] = (SimulatedEndpoint(),)
    certificate_folder: str | None = None
    trusted_certificate_path: str | None = None
    allows_anonymous: bool = True
    users: tuple[SimulatedUser, ...] = ()

    @model_validator(mode="after")
    def _fits_together(self) -> "SimulatorConfig":
        secured = any(e.policy is not UaSecurityPolicy.NONE for e in self.endpoints)
        if secured and self.certificate_folder is None:
            raise ValueError("certificate_folder: needed by the policies")
        names = {node.name for node in self.nodes}
        if self.encoder is not None and self.encoder.node not in names:
            raise ValueError(f"encoder: there is no node {self.encoder.node}")
        return self

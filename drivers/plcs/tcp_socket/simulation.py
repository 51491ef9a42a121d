"""What a simulated controller with a text protocol has, as data."""

from pydantic import BaseModel, ConfigDict, Field

from drivers.plcs.tags import Scalar, TagBinding, TagType
from drivers.plcs.tcp_socket.settings import TcpSocketSettings

STRING_LENGTH = 80


class SimulatedPoint(BaseModel):
    """Without a `value` it is the type's own nought."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    address: str = Field(min_length=1, max_length=255)
    type: TagType = TagType.BOOL
    value: Scalar | None = None
    writable: bool = True

    @property
    def initial(self) -> Scalar:
        if self.value is not None:
            return self.value
        if self.type is TagType.STRING:
            return ""
        return self.type is not TagType.BOOL and 0

    def binding(self, tag: str) -> TagBinding:
        """What a client binds to it."""
        length = STRING_LENGTH if self.type is TagType.STRING else None
        return TagBinding(
            name=tag, plc="simulator", address=self.address, type=self.type, length=length
        )


class SimulatedEncoder(BaseModel):
    """A shaft that turns: the point at `address` counts its pulses."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    address: str
    pulses_per_s: float = Field(default=100.0, gt=0, le=100_000)


class SimulatorConfig(BaseModel):
    """`settings` are the client's own. With port 0 it takes any free one. `greeting` is said to
    whoever connects, where the settings have one. `tags`: names by address, where the templates
    speak of tags."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    host: str = "127.0.0.1"
    port: int = Field(default=0, ge=0, le=65535)
    settings: TcpSocketSettings = TcpSocketSettings()
    points: tuple[SimulatedPoint, ...] = ()
    tags: dict[str, str] = {}
    encoder: SimulatedEncoder | None = None
    greeting: str = "Welcome"

"""Where a broker is."""

from typing import Final, NamedTuple
from urllib.parse import unquote, urlsplit

from domain.kernel.errors import ValidationFailed

SECURE: Final = "mqtts"
PLAIN: Final = "mqtt"
SCHEMES: Final = {PLAIN: 1883, SECURE: 8883}


class Endpoint(NamedTuple):
    """Where a broker is, and by what else than a certificate we are let in, if anything."""

    host: str
    port: int
    tls: bool
    username: str | None = None
    password: str | None = None

    @property
    def public(self) -> str:
        """Its URL, without what lets us in."""
        host = f"[{self.host}]" if ":" in self.host else self.host
        return f"{SECURE if self.tls else PLAIN}://{host}:{self.port}"


def endpoint_of(url: str) -> Endpoint:
    """Of `mqtts://user:password@host:port`, where all but the host may be left out, or `mqtt://…`
    without TLS. Raises ValidationFailed."""
    try:
        parts = urlsplit(url)
        port = parts.port
    except ValueError as error:
        raise ValidationFailed("url", str(error)) from error
    if parts.scheme not in SCHEMES or not parts.hostname or parts.path.strip("/"):
        raise ValidationFailed("url", "must be mqtts://host:port")
    name, password = (unquote(one) if one else None for one in (parts.username, parts.password))
    tls = parts.scheme == SECURE
    return Endpoint(parts.hostname, port or SCHEMES[parts.scheme], tls, name, password)

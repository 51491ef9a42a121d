"""What gateways need from outside: certificates, the address of the broker, sealed storage."""

from dataclasses import dataclass
from typing import NamedTuple, Protocol

from domain.sync.ports import SecretBox


class IssuedCertificate(NamedTuple):
    """`pkcs12` is DER: key, certificate and the chain to the installation's own CA. `common_name`
    is whom it names. `serial` and `fingerprint` (SHA-256 of the certificate) are lower-case
    hexadecimal digits."""

    common_name: str
    pkcs12: bytes
    serial: str
    fingerprint: str
    expires_at_us: int


class CertificateAuthority(Protocol):
    """The installation's own. Costly work is off the loop."""

    async def issue(self, common_name: str, password: str | None = None) -> IssuedCertificate:
        """A key and a client certificate for it, made now and kept nowhere. Without a password the
        bundle is not encrypted. Raises Unavailable when it cannot be done now."""


@dataclass(frozen=True, slots=True)
class BrokerAddress:
    """Where gateways publish: `{topic_prefix}/gateway/{id or thing name}`."""

    endpoint: str
    topic_prefix: str


@dataclass(frozen=True, slots=True)
class GatewaySettings:
    """A one-time token is good for `token_s`, the link of a package for `link_s`."""

    token_s: float = 3_600.0
    link_s: float = 300.0
    sweep_s: float = 30.0


@dataclass(frozen=True, slots=True)
class GatewayServices:
    """What the resolvers of gateways are handed."""

    authority: CertificateAuthority
    broker: BrokerAddress
    box: SecretBox
    settings: GatewaySettings = GatewaySettings()

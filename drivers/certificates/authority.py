"""The installation's own CA: client certificates for gateways, and those of its own ends.

Its key and certificate lie in one sealed file of the folder of keys, `ca.sealed`, which the
machines of one factory share: whoever copies the file but not `secrets.key` cannot sign with it.
`ca.pem` beside it is the certificate alone, for brokers and whoever wants to check them.
"""

import asyncio
import ipaddress
import re
from collections.abc import Sequence
from datetime import datetime, timedelta
from pathlib import Path
from typing import Final, NamedTuple, Self

from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.serialization import pkcs12
from cryptography.x509.oid import ExtendedKeyUsageOID, NameOID

from domain.gateways.ports import IssuedCertificate
from domain.gateways.rules import MAX_THING_NAME, is_own
from domain.kernel.clock import Clock, from_us, to_us
from domain.kernel.errors import Conflict, ValidationFailed
from domain.kernel.ids import new_id
from domain.sync.ports import SecretBox
from drivers.durable import place_secret

SEALED_FILE: Final = "ca.sealed"
CERTIFICATE_FILE: Final = "ca.pem"
CA_LIFETIME: Final = timedelta(days=20 * 365)
LEAF_LIFETIME: Final = timedelta(days=10 * 365)
"""A gateway is let in once, and nobody renews its certificate: it goes when its gateway does."""
SKEW: Final = timedelta(hours=1)
"""How far behind the clock of a gateway may be."""
KDF_ROUNDS: Final = 50_000
FACTORY_NAME: Final = "oktograph-factory"
"""The common name by which a broker knows the factory itself."""
BROKER_NAME: Final = "oktograph-broker"
_COMMON_NAME: Final = re.compile(rf"[ -~]{{1,{MAX_THING_NAME}}}")

Key = ec.EllipticCurvePrivateKey


class Pair(NamedTuple):
    """PEM: a certificate with the CA's behind it, and the key to it."""

    certificate: bytes
    key: bytes


class InstallationAuthority:
    """`domain.gateways.ports.CertificateAuthority`, and the ends of this installation."""

    def __init__(self, key: Key, certificate: x509.Certificate, clock: Clock) -> None:
        self._key = key
        self._certificate = certificate
        self._clock = clock

    @classmethod
    def in_folder(cls, folder: Path, box: SecretBox, clock: Clock) -> Self:
        """The folder's CA, made when there is none: of two processes that do so at once the first
        wins. Raises Conflict where it cannot be opened, since a new one in its place would lock
        out every gateway that was let in."""
        folder.mkdir(mode=0o700, parents=True, exist_ok=True)
        path = folder / SEALED_FILE
        if not path.exists():
            place_secret(path, box.seal(_new_ca(clock)).encode())
        try:
            opened = box.open(path.read_text()).encode()
        except Conflict as error:
            raise Conflict(
                f"The CA of this installation ({SEALED_FILE}) was sealed with another key"
            ) from error
        key = serialization.load_pem_private_key(opened, None)
        if not isinstance(key, ec.EllipticCurvePrivateKey):
            raise Conflict(f"{SEALED_FILE} holds no key of an elliptic curve")
        authority = cls(key, x509.load_pem_x509_certificate(opened), clock)
        published = folder / CERTIFICATE_FILE
        if not published.exists():
            place_secret(published, authority.certificate_pem)
        return authority

    @property
    def certificate_pem(self) -> bytes:
        """What to trust: of all that this CA has signed."""
        return self._certificate.public_bytes(serialization.Encoding.PEM)

    async def issue(self, common_name: str, password: str | None = None) -> IssuedCertificate:
        """Raises ValidationFailed for a name that no gateway may have."""
        if not _COMMON_NAME.fullmatch(common_name) or is_own(common_name):
            raise ValidationFailed("commonName", "not a name that a gateway may have")
        return await asyncio.to_thread(self._issue, common_name, password)

    def factory_pair(self) -> Pair:
        """This factory's own client certificate, made anew."""
        key = _new_key()
        return self._pair(self._client(FACTORY_NAME, key), key)

    def broker_pair(self, hosts: Sequence[str]) -> Pair:
        """A server certificate for names and addresses, made anew."""
        key = _new_key()
        found = list(dict.fromkeys([*hosts, "localhost", "127.0.0.1", "::1"]))
        names = x509.SubjectAlternativeName([_general_name(host) for host in found])
        builder = self._builder(BROKER_NAME, key, ExtendedKeyUsageOID.SERVER_AUTH)
        certificate = builder.add_extension(names, critical=False).sign(self._key, hashes.SHA256())
        return self._pair(certificate, key)

    def _issue(self, common_name: str, password: str | None) -> IssuedCertificate:
        key = _new_key()
        made = self._client(common_name, key)
        bundle = pkcs12.serialize_key_and_certificates(
            common_name.encode(), key, made, [self._certificate], _encryption(password)
        )
        return IssuedCertificate(
            common_name=common_name,
            pkcs12=bundle,
            serial=f"{made.serial_number:x}",
            fingerprint=made.fingerprint(hashes.SHA256()).hex(),
            expires_at_us=to_us(made.not_valid_after_utc),
        )

    def _client(self, common_name: str, key: Key) -> x509.Certificate:
        builder = self._builder(common_name, key, ExtendedKeyUsageOID.CLIENT_AUTH)
        return builder.sign(self._key, hashes.SHA256())

    def _builder(
        self, common_name: str, key: Key, usage: x509.ObjectIdentifier
    ) -> x509.CertificateBuilder:
        now = from_us(self._clock.now_us())
        expires = min(now + LEAF_LIFETIME, self._certificate.not_valid_after_utc)
        issuer = x509.AuthorityKeyIdentifier.from_issuer_public_key(self._key.public_key())
        return (
            _certificate(_name(common_name), self._certificate.subject, key, now, expires)
            .add_extension(x509.BasicConstraints(ca=False, path_length=None), critical=True)
            .add_extension(_key_usage(signs=False), critical=True)
            .add_extension(x509.ExtendedKeyUsage([usage]), critical=False)
            .add_extension(issuer, critical=False)
        )

    def _pair(self, certificate: x509.Certificate, key: Key) -> Pair:
        chain = certificate.public_bytes(serialization.Encoding.PEM) + self.certificate_pem
        return Pair(chain, _key_pem(key))


def distinguished_name(common_name: str) -> str:
    """As brokers read it from a certificate of ours (RFC 4514)."""
    return _name(common_name).rfc4514_string()


def _new_ca(clock: Clock) -> str:
    """Key and certificate, PEM."""
    key, now = _new_key(), from_us(clock.now_us())
    # No two installations are called the same: who trusts both must be able to tell them apart.
    name = _name(f"Oktograph CA {new_id()[-12:]}")
    certificate = (
        _certificate(name, name, key, now, now + CA_LIFETIME)
        .add_extension(x509.BasicConstraints(ca=True, path_length=0), critical=True)
        .add_extension(_key_usage(signs=True), critical=True)
        .sign(key, hashes.SHA256())
    )
    return (_key_pem(key) + certificate.public_bytes(serialization.Encoding.PEM)).decode()


def _certificate(
    subject: x509.Name, issuer: x509.Name, key: Key, now: datetime, expires: datetime
) -> x509.CertificateBuilder:
    return (
        x509.CertificateBuilder()
        .subject_name(subject)
        .issuer_name(issuer)
        .public_key(key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(now - SKEW)
        .not_valid_after(expires)
        .add_extension(x509.SubjectKeyIdentifier.from_public_key(key.public_key()), critical=False)
    )


def _new_key() -> Key:
    return ec.generate_private_key(ec.SECP256R1())


def _name(common_name: str) -> x509.Name:
    return x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, common_name)])


def _key_pem(key: Key) -> bytes:
    return key.private_bytes(
        serialization.Encoding.PEM,
        serialization.PrivateFormat.PKCS8,
        serialization.NoEncryption(),
    )


def _key_usage(*, signs: bool) -> x509.KeyUsage:
    """Of the CA, which signs certificates, or of a leaf, which signs handshakes."""
    return x509.KeyUsage(
        digital_signature=not signs,
        content_commitment=False,
        key_encipherment=False,
        data_encipherment=False,
        key_agreement=False,
        key_cert_sign=signs,
        crl_sign=signs,
        encipher_only=False,
        decipher_only=False,
    )


def _general_name(host: str) -> x509.GeneralName:
    try:
        return x509.IPAddress(ipaddress.ip_address(host))
    except ValueError:
        return x509.DNSName(host)


def _encryption(password: str | None) -> serialization.KeySerializationEncryption:
    if not password:
        return serialization.NoEncryption()
    return (
        serialization.PrivateFormat.PKCS12.encryption_builder()
        .kdf_rounds(KDF_ROUNDS)
        .key_cert_algorithm(pkcs12.PBES.PBESv2SHA256AndAES256CBC)
        .hmac_hash(hashes.SHA256())
        .build(password.encode())
    )

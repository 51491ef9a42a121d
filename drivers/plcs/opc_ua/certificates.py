"""Certificates of OPC UA applications (part 6, 6.2.2): our own, made where there is none, and
those of the servers that we trust. Everything here touches files or makes keys: off the loop."""

import os
import socket
import tempfile
import threading
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path

from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import rsa
from cryptography.x509.oid import ExtendedKeyUsageOID, NameOID

from drivers.link import ConfigurationFault

CERTIFICATE_FILE = "application.der"
KEY_FILE = "application.pem"
# A controller trusts the certificate itself, for the life of a line; renewing it means going there.
VALID_FOR = timedelta(days=20 * 365)
KEY_BITS = 2048
MAX_FILE_BYTES = 64 * 1024

# Two controllers may come up at once with one folder.
_making = threading.Lock()


@dataclass(frozen=True, slots=True)
class ApplicationCertificate:
    """`uri` is what the certificate says of its application; the session must say the same."""

    certificate: bytes
    private_key: bytes
    uri: str


def loaded(
    certificate_path: str, private_key_path: str, password: str | None
) -> ApplicationCertificate:
    """Raises ConfigurationFault for files that are missing, no such thing or not of each other."""
    certificate = _parsed(Path(certificate_path))
    key = _key(Path(private_key_path), password)
    if key.public_key() != certificate.public_key():
        raise ConfigurationFault(f"{private_key_path} is not the key of {certificate_path}")
    if certificate.not_valid_after_utc < datetime.now(UTC):
        raise ConfigurationFault(f"{certificate_path} has expired")
    return _application(certificate, key)


def own(folder: str) -> ApplicationCertificate:
    """What the folder holds, made first where it holds none. Raises ConfigurationFault."""
    place = Path(folder)
    certificate, key = place / CERTIFICATE_FILE, place / KEY_FILE
    try:
        with _making:
            place.mkdir(parents=True, exist_ok=True)
            _make_missing(certificate, key)
    except OSError as error:
        raise ConfigurationFault(f"no certificate can be kept in {folder}: {error}") from None
    return loaded(str(certificate), str(key), None)


def trusted(path: str) -> frozenset[bytes]:
    """The SHA-256 of one certificate or of all in a folder. Raises ConfigurationFault."""
    place = Path(path)
    try:
        files = sorted(f for f in place.iterdir() if f.is_file()) if place.is_dir() else [place]
    except OSError as error:
        raise ConfigurationFault(f"{path}: {error.strerror}") from None
    if not files:
        raise ConfigurationFault(f"{path} holds no certificate")
    return frozenset(_parsed(file).fingerprint(hashes.SHA256()) for file in files)


def fingerprint(certificate: bytes) -> bytes:
    """SHA-256 of a DER certificate. Raises ValueError for what is none."""
    return x509.load_der_x509_certificate(certificate).fingerprint(hashes.SHA256())


def _parsed(path: Path) -> x509.Certificate:
    data = _content(path)
    try:
        if data.lstrip().startswith(b"-----BEGIN"):
            return x509.load_pem_x509_certificate(data)
        return x509.load_der_x509_certificate(data)
    except ValueError:
        raise ConfigurationFault(f"{path} is no certificate") from None


def _key(path: Path, password: str | None) -> rsa.RSAPrivateKey:
    data = _content(path)
    pem = data.lstrip().startswith(b"-----BEGIN")
    load = serialization.load_pem_private_key if pem else serialization.load_der_private_key
    try:
        key = load(data, password.encode() if password is not None else None)
    except (ValueError, TypeError):
        raise ConfigurationFault(f"{path} is no private key, or its password is wrong") from None
    if not isinstance(key, rsa.RSAPrivateKey):
        raise ConfigurationFault(f"{path} is no RSA key, which the security policies need")
    return key


def _content(path: Path) -> bytes:
    try:
        with path.open("rb") as file:
            data = file.read(MAX_FILE_BYTES + 1)
    except OSError as error:
        raise ConfigurationFault(f"{path}: {error.strerror}") from None
    if len(data) > MAX_FILE_BYTES:
        raise ConfigurationFault(f"{path} is too large for a certificate or a key")
    return data


def _application(certificate: x509.Certificate, key: rsa.RSAPrivateKey) -> ApplicationCertificate:
    try:
        names = certificate.extensions.get_extension_for_class(x509.SubjectAlternativeName).value
        uris = names.get_values_for_type(x509.UniformResourceIdentifier)
    except x509.ExtensionNotFound:
        uris = []
    if not uris:
        raise ConfigurationFault("the certificate names no application URI, as OPC UA demands")
    return ApplicationCertificate(_der(certificate), _unlocked(key), uris[0])


def _make_missing(certificate: Path, key: Path) -> None:
    if not key.exists():
        fresh = rsa.generate_private_key(public_exponent=65537, key_size=KEY_BITS)
        _put(key, _pem(fresh))
        certificate.unlink(missing_ok=True)
    if not certificate.exists():
        _put(certificate, _der(_self_signed(_key(key, None))))


def _self_signed(key: rsa.RSAPrivateKey) -> x509.Certificate:
    host = socket.gethostname()
    uri = f"urn:{host}:oktograph"
    name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, f"Oktograph@{host}"[:64])])
    now = datetime.now(UTC)
    serial = x509.random_serial_number()
    identifier = x509.SubjectKeyIdentifier.from_public_key(key.public_key())
    builder = (
        x509.CertificateBuilder(name, name, key.public_key(), serial)
        # A controller's clock may be behind ours.
        .not_valid_before(now - timedelta(days=1))
        .not_valid_after(now + VALID_FOR)
        .add_extension(identifier, critical=False)
        .add_extension(_issued_by_itself(identifier, name, serial), critical=False)
        .add_extension(x509.BasicConstraints(ca=False, path_length=None), critical=True)
        .add_extension(_KEY_USAGE, critical=True)
        .add_extension(x509.ExtendedKeyUsage(_PURPOSES), critical=False)
        .add_extension(_alternative_names(uri, host), critical=False)
    )
    return builder.sign(key, hashes.SHA256())


# Of the edge, a client, and of its simulated servers.
_PURPOSES = (ExtendedKeyUsageOID.CLIENT_AUTH, ExtendedKeyUsageOID.SERVER_AUTH)
# What part 6, 6.2.2 asks of an application; signing certificates, for it is its own issuer.
_KEY_USAGE = x509.KeyUsage(
    digital_signature=True,
    content_commitment=True,
    key_encipherment=True,
    data_encipherment=True,
    key_agreement=False,
    key_cert_sign=True,
    crl_sign=False,
    encipher_only=False,
    decipher_only=False,
)


def _issued_by_itself(
    identifier: x509.SubjectKeyIdentifier, name: x509.Name, serial: int
) -> x509.AuthorityKeyIdentifier:
    return x509.AuthorityKeyIdentifier(identifier.digest, [x509.DirectoryName(name)], serial)


def _alternative_names(uri: str, host: str) -> x509.SubjectAlternativeName:
    return x509.SubjectAlternativeName([x509.UniformResourceIdentifier(uri), x509.DNSName(host)])


def _der(certificate: x509.Certificate) -> bytes:
    return certificate.public_bytes(serialization.Encoding.DER)


def _pem(key: rsa.RSAPrivateKey) -> bytes:
    return key.private_bytes(
        serialization.Encoding.PEM,
        serialization.PrivateFormat.PKCS8,
        serialization.NoEncryption(),
    )


def _unlocked(key: rsa.RSAPrivateKey) -> bytes:
    return key.private_bytes(
        serialization.Encoding.DER,
        serialization.PrivateFormat.PKCS8,
        serialization.NoEncryption(),
    )


def _put(path: Path, data: bytes) -> None:
    """Whole or not at all, and for the service's own eyes."""
    handle, name = tempfile.mkstemp(dir=path.parent)
    with os.fdopen(handle, "wb") as file:
        file.write(data)
    Path(name).replace(path)

"""TLS contexts of clients that show a certificate, from what is held in memory."""

import ssl
import tempfile
from pathlib import Path

from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.serialization import pkcs12

from domain.kernel.errors import ValidationFailed
from drivers.certificates.authority import Pair


class _TidySocket(ssl.SSLSocket):
    """Closes itself where a handshake fails: paho forgets such a socket, and leaves it open."""

    def do_handshake(self, block: bool = False) -> None:
        try:
            super().do_handshake(block)
        except (ssl.SSLWantReadError, ssl.SSLWantWriteError):
            raise
        except BaseException:
            self.close()
            raise


def client_context(pair: Pair, trusted: bytes, *, public: bool = False) -> ssl.SSLContext:
    """`trusted` are CAs, PEM; with `public` whom the machine trusts is trusted too. Raises
    ValidationFailed for what is no certificate, or a key of another one."""
    try:
        context = ssl.create_default_context(cadata=trusted.decode())
        context.sslsocket_class = _TidySocket
        if public:
            context.load_default_certs()
        # The ssl module reads certificates from files only: this one is gone at once, and nobody
        # else could open it meanwhile.
        with tempfile.TemporaryDirectory(prefix="oktograph-") as folder:
            path = Path(folder) / "client.pem"
            path.write_bytes(pair.certificate + pair.key)
            context.load_cert_chain(path)
    except (ssl.SSLError, ValueError) as error:
        raise ValidationFailed("certificate", f"not usable: {error}") from error
    return context


def bundle_context(bundle: bytes, password: str | None = None) -> ssl.SSLContext:
    """Of a PKCS#12 bundle that holds its CA too, as a gateway gets one: that CA alone is trusted.
    Raises ValidationFailed, also where the password is wrong."""
    try:
        opened = pkcs12.load_pkcs12(bundle, password.encode() if password else None)
    except ValueError as error:
        raise ValidationFailed("pkcs12", "no PKCS#12, or another password") from error
    key, holder = opened.key, opened.cert
    if key is None or holder is None or not opened.additional_certs:
        raise ValidationFailed("pkcs12", "must hold a key, its certificate and the CA")
    encoding = serialization.Encoding.PEM
    key_pem = key.private_bytes(
        encoding, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
    )
    authorities = b"".join(
        one.certificate.public_bytes(encoding) for one in opened.additional_certs
    )
    pair = Pair(holder.certificate.public_bytes(encoding), key_pem)
    return client_context(pair, authorities)


def common_name_of(bundle: bytes, password: str | None = None) -> str:
    """Of its certificate. Raises ValidationFailed."""
    from cryptography.x509.oid import NameOID

    try:
        opened = pkcs12.load_pkcs12(bundle, password.encode() if password else None)
    except ValueError as error:
        raise ValidationFailed("pkcs12", "no PKCS#12, or another password") from error
    if opened.cert is None:
        raise ValidationFailed("pkcs12", "holds no certificate")
    found = opened.cert.certificate.subject.get_attributes_for_oid(NameOID.COMMON_NAME)
    return str(found[0].value)

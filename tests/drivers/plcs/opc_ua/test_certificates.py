"""Our own certificate, made once, and those of others."""

from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec, rsa
from cryptography.x509.oid import NameOID

from drivers.link import ConfigurationFault
from drivers.plcs.opc_ua import certificates

NAME = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "a line")])
PEM = serialization.Encoding.PEM


def written(
    folder: Path, *, uri: str | None = "urn:line:1", ends_in: timedelta = timedelta(days=1)
) -> tuple[Path, Path]:
    """Certificate and key, PEM, the key locked with `hush`."""
    key = rsa.generate_private_key(public_exponent=65537, key_size=2048)
    now = datetime.now(UTC)
    builder = (
        x509.CertificateBuilder(NAME, NAME, key.public_key(), x509.random_serial_number())
        .not_valid_before(now - timedelta(days=9))
        .not_valid_after(now + ends_in)
    )
    if uri is not None:
        names = x509.SubjectAlternativeName([x509.UniformResourceIdentifier(uri)])
        builder = builder.add_extension(names, critical=False)
    folder.mkdir(exist_ok=True)
    certificate = folder / "own.crt"
    certificate.write_bytes(builder.sign(key, hashes.SHA256()).public_bytes(PEM))
    return certificate, _kept(folder, key)


def _kept(folder: Path, key: rsa.RSAPrivateKey | ec.EllipticCurvePrivateKey) -> Path:
    locked = serialization.BestAvailableEncryption(b"hush")
    file = folder / "own.key"
    file.write_bytes(key.private_bytes(PEM, serialization.PrivateFormat.PKCS8, locked))
    return file


def test_own_is_made_once_and_fit_for_its_purpose(tmp_path: Path) -> None:
    folder = tmp_path / "pki"
    with ThreadPoolExecutor(4) as threads:
        made = set(threads.map(certificates.own, [str(folder)] * 4))
    assert len(made) == 1
    assert made == {certificates.own(str(folder))}
    assert sorted(file.name for file in folder.iterdir()) == ["application.der", "application.pem"]
    assert (folder / "application.pem").stat().st_mode & 0o077 == 0
    (ours,) = made
    certificate = x509.load_der_x509_certificate(ours.certificate)
    names = certificate.extensions.get_extension_for_class(x509.SubjectAlternativeName).value
    assert names.get_values_for_type(x509.UniformResourceIdentifier) == [ours.uri]
    assert certificate.not_valid_after_utc > datetime.now(UTC) + timedelta(days=3650)
    certificate.verify_directly_issued_by(certificate)


def test_a_lost_certificate_is_made_anew_of_the_key(tmp_path: Path) -> None:
    first = certificates.own(str(tmp_path))
    (tmp_path / certificates.CERTIFICATE_FILE).unlink()
    again = certificates.own(str(tmp_path))
    assert again.private_key == first.private_key
    assert again.certificate != first.certificate


def test_given_files_are_taken(tmp_path: Path) -> None:
    certificate, key = written(tmp_path)
    ours = certificates.loaded(str(certificate), str(key), "hush")
    assert ours.uri == "urn:line:1"
    assert certificates.trusted(str(certificate)) == {certificates.fingerprint(ours.certificate)}


def _missing(at: Path) -> tuple[str, str, str | None]:
    certificate, _ = written(at)
    return str(certificate), str(at / "nothing"), None


def _of_others(at: Path) -> tuple[str, str, str | None]:
    certificate, _ = written(at / "a")
    _, key = written(at / "b")
    return str(certificate), str(key), "hush"


def _wrong_password(at: Path) -> tuple[str, str, str | None]:
    certificate, key = written(at)
    return str(certificate), str(key), "guess"


def _locked(at: Path) -> tuple[str, str, str | None]:
    certificate, key = written(at)
    return str(certificate), str(key), None


def _expired(at: Path) -> tuple[str, str, str | None]:
    certificate, key = written(at, ends_in=timedelta(days=-1))
    return str(certificate), str(key), "hush"


def _nameless(at: Path) -> tuple[str, str, str | None]:
    certificate, key = written(at, uri=None)
    return str(certificate), str(key), "hush"


def _not_rsa(at: Path) -> tuple[str, str, str | None]:
    certificate, _ = written(at)
    return str(certificate), str(_kept(at, ec.generate_private_key(ec.SECP256R1()))), "hush"


def _no_certificate(at: Path) -> tuple[str, str, str | None]:
    _, key = written(at)
    return str(key), str(key), "hush"


def _huge(at: Path) -> tuple[str, str, str | None]:
    _, key = written(at)
    (at / "huge").write_bytes(b"\0" * 100_000)
    return str(at / "huge"), str(key), "hush"


@pytest.mark.parametrize(
    ("given", "reason"),
    [
        (_missing, "No such file"),
        (_of_others, "is not the key of"),
        (_wrong_password, "password"),
        (_locked, "password"),
        (_expired, "expired"),
        (_nameless, "application URI"),
        (_not_rsa, "no RSA key"),
        (_no_certificate, "is no certificate"),
        (_huge, "too large"),
    ],
)
def test_files_that_cannot_serve(
    tmp_path: Path, given: Callable[[Path], tuple[str, str, str | None]], reason: str
) -> None:
    with pytest.raises(ConfigurationFault, match=reason):
        certificates.loaded(*given(tmp_path / "given" if given is not _of_others else tmp_path))


def test_trust_needs_something_to_trust(tmp_path: Path) -> None:
    with pytest.raises(ConfigurationFault, match="holds no certificate"):
        certificates.trusted(str(tmp_path))
    with pytest.raises(ConfigurationFault, match="No such file"):
        certificates.trusted(str(tmp_path / "nothing"))


def test_no_place_for_a_certificate(tmp_path: Path) -> None:
    taken = tmp_path / "file"
    taken.write_text("")
    with pytest.raises(ConfigurationFault, match="no certificate can be kept"):
        certificates.own(str(taken))

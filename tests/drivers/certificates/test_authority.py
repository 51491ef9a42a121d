"""The installation's CA: what it signs, who may open it, and that all processes have the same."""

import asyncio
import ssl
from pathlib import Path

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.serialization import pkcs12
from cryptography.x509.oid import ExtendedKeyUsageOID
from cryptography.x509.verification import PolicyBuilder, Store

from domain.kernel.clock import from_us, to_us
from domain.kernel.errors import Conflict, ValidationFailed
from drivers.certificates.authority import CERTIFICATE_FILE, SEALED_FILE, InstallationAuthority
from drivers.certificates.contexts import bundle_context, common_name_of
from drivers.secrets.fernet import KEY_FILE
from tests.support.clocks import ManualClock
from tests.support.mqtt import authority_in


@pytest.fixture
def authority(tmp_path: Path) -> InstallationAuthority:
    return authority_in(tmp_path, ManualClock())


def ca(authority: InstallationAuthority) -> x509.Certificate:
    return x509.load_pem_x509_certificate(authority.certificate_pem)


async def test_a_certificate_is_of_its_name_for_clients_and_signed_by_the_ca(
    authority: InstallationAuthority,
) -> None:
    issued = await authority.issue("Gateway1", "secret")
    opened = pkcs12.load_pkcs12(issued.pkcs12, b"secret")
    assert opened.cert is not None
    assert isinstance(opened.key, ec.EllipticCurvePrivateKey)
    certificate = opened.cert.certificate
    assert certificate.subject.rfc4514_string() == "CN=Gateway1"
    assert certificate.public_key() == opened.key.public_key()
    usage = certificate.extensions.get_extension_for_class(x509.ExtendedKeyUsage).value
    assert list(usage) == [ExtendedKeyUsageOID.CLIENT_AUTH]
    assert f"{certificate.serial_number:x}" == issued.serial
    assert certificate.fingerprint(hashes.SHA256()).hex() == issued.fingerprint
    assert to_us(certificate.not_valid_after_utc) == issued.expires_at_us
    assert [one.certificate for one in opened.additional_certs] == [ca(authority)]
    certificate.verify_directly_issued_by(ca(authority))


async def test_a_verifier_of_its_own_accepts_what_it_signed(
    authority: InstallationAuthority, tmp_path: Path
) -> None:
    now = from_us(ManualClock().now_us())
    builder = PolicyBuilder().store(Store([ca(authority)])).time(now)
    server = x509.load_pem_x509_certificates(authority.broker_pair(["broker.example"]).certificate)
    verifier = builder.build_server_verifier(x509.DNSName("broker.example"))
    assert len(verifier.verify(server[0], [])) == 2
    other = authority_in(tmp_path / "other", ManualClock())
    stranger = x509.load_pem_x509_certificates(other.broker_pair(["broker.example"]).certificate)
    with pytest.raises(x509.verification.VerificationError):
        verifier.verify(stranger[0], [])


async def test_a_bundle_without_a_password_is_open(authority: InstallationAuthority) -> None:
    issued = await authority.issue("Gateway1")
    assert common_name_of(issued.pkcs12) == "Gateway1"
    assert isinstance(bundle_context(issued.pkcs12), ssl.SSLContext)


async def test_a_wrong_password_and_what_is_no_bundle_are_refused(
    authority: InstallationAuthority,
) -> None:
    issued = await authority.issue("Gateway1", "secret")
    for bundle, password in ((issued.pkcs12, "wrong"), (issued.pkcs12, None), (b"nothing", "x")):
        with pytest.raises(ValidationFailed):
            bundle_context(bundle, password)


async def test_no_two_certificates_are_the_same(authority: InstallationAuthority) -> None:
    made = await asyncio.gather(*(authority.issue("Gateway1") for _ in range(5)))
    assert len({one.serial for one in made}) == len({one.fingerprint for one in made}) == 5


@pytest.mark.parametrize(
    "name", ["", "x" * 65, "with\0nul", "Grün", "oktograph-factory", "Oktograph"]
)
async def test_a_name_that_no_gateway_may_have_is_refused(
    authority: InstallationAuthority, name: str
) -> None:
    with pytest.raises(ValidationFailed) as refused:
        await authority.issue(name)
    assert refused.value.details["field"] == "commonName"


async def test_processes_that_start_at_once_have_one_ca(tmp_path: Path) -> None:
    made = await asyncio.gather(*(asyncio.to_thread(authority_in, tmp_path) for _ in range(8)))
    assert len({one.certificate_pem for one in made}) == 1
    assert (tmp_path / CERTIFICATE_FILE).read_bytes() == made[0].certificate_pem


def test_its_key_is_sealed_and_closed_to_others(tmp_path: Path) -> None:
    authority_in(tmp_path)
    sealed = tmp_path / SEALED_FILE
    assert sealed.stat().st_mode & 0o077 == 0
    assert b"PRIVATE KEY" not in sealed.read_bytes()


def test_with_another_key_it_cannot_be_opened_and_stays(tmp_path: Path) -> None:
    authority_in(tmp_path)
    before = (tmp_path / SEALED_FILE).read_bytes()
    (tmp_path / KEY_FILE).unlink()
    with pytest.raises(Conflict, match="sealed with another key"):
        authority_in(tmp_path)
    assert (tmp_path / SEALED_FILE).read_bytes() == before

"""Gateways as Insight's clients have them: paths, bodies, refusals, and what gateways say."""

from base64 import b64decode
from typing import Any

import httpx2
from cryptography import x509
from cryptography.hazmat.primitives.serialization import pkcs12
from cryptography.x509.oid import NameOID

from domain.gateways.commands import ScannerReport
from domain.gateways.operations import presence
from domain.gateways.rows import ScannerRow
from domain.identity import operations as identity
from domain.identity.commands import CreateUser
from domain.kernel.actor import system_actor
from domain.kernel.permissions import Role
from tests.support.clients import Client, Json
from tests.support.databases import new_customer
from tests.support.factory import FactoryServer

GATEWAY = {"usecase": "Picking", "station": "Station3", "name": "Gateway1"}
SERIAL = "M2MR101000000"
CORS = (
    "access-control-allow-origin",
    "access-control-allow-methods",
    "access-control-allow-headers",
)


async def root(client: Client, customer: str = "demo") -> str:
    """Where everything of the client's customer begins."""
    answer = await client.http.get("/insight/auth-information", params={"id": customer})
    return f"/insight/{answer.json()['customer_id']}"


def ok(answer: httpx2.Response, status: int = 200) -> Any:
    assert answer.status_code == status, answer.text
    assert answer.headers["content-type"] == "application/json"
    assert all(name in answer.headers for name in CORS)
    return answer.json()


def error(answer: httpx2.Response, status: int) -> str:
    """What a documented refusal says."""
    body = ok(answer, status)
    assert body.keys() == {"title", "details"}
    assert all(isinstance(text, str) and text for text in body.values())
    details: str = body["details"]
    return details


async def created(client: Client, base: str, name: str = "Gateway1") -> Json:
    answer = await client.http.post(f"{base}/gateways", json=GATEWAY | {"name": name})
    found: Json = ok(answer, 201)
    return found


async def prepared(client: Client, base: str, gateway_id: str) -> str:
    """Its one-time token."""
    answer = await client.http.post(f"{base}/gateways/{gateway_id}/prepare-provisioning")
    token: str = ok(answer)["token"]
    return token


async def hears(factory: FactoryServer, gateway_id: str, *, scanned: bool = True) -> None:
    """As if a message of it had come in right now."""
    services = factory.runtime.services
    async with services.transactions.begin(factory.system) as work:
        key = gateway_id.replace("-", "")
        await presence.heard_from(work, key, work.now_us, scanned=scanned)


async def scanner_heard(
    factory: FactoryServer, gateway_id: str, serial: str = SERIAL, **more: Any
) -> ScannerRow:
    services = factory.runtime.services
    async with services.transactions.begin(factory.system) as work:
        report = ScannerReport.of(
            serial=serial, gateway_id=gateway_id.replace("-", ""), at_us=work.now_us, **more
        )
        return await presence.scanner_heard(work, report)


async def stranger(factory: FactoryServer) -> tuple[Client, str]:
    """An administrator of a second customer on the same installation, and its root."""
    customer_id = await new_customer(factory.database, "Dairy Two")
    command = CreateUser.of(username="stranger", password="long enough", role=Role.ADMIN)
    transactions = factory.runtime.services.transactions
    async with transactions.begin(system_actor("test", customer_id)) as work:
        user = await identity.create_user(work, command, "no hash: nobody logs in by a password")
    client = factory.client(factory.token(user))
    return client, await root(client, user.customer_public_id)


def common_name(certificate: x509.Certificate) -> str:
    (found,) = certificate.subject.get_attributes_for_oid(NameOID.COMMON_NAME)
    return str(found.value)


def opened(bundle: str | bytes, password: bytes | None = None) -> x509.Certificate:
    """The certificate of a bundle, whose key fits to it and whose CA signed it."""
    der = b64decode(bundle, validate=True) if isinstance(bundle, str) else bundle
    key, certificate, chain = pkcs12.load_key_and_certificates(der, password)
    assert key is not None
    assert certificate is not None
    assert key.public_key() == certificate.public_key()
    (ca,) = chain
    certificate.verify_directly_issued_by(ca)
    assert ca.extensions.get_extension_for_class(x509.BasicConstraints).value.ca
    return certificate

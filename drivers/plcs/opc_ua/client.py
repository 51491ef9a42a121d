"""A session with an OPC UA server: opened, watched and closed; what went wrong, in our words."""

import asyncio
import logging
from collections.abc import AsyncIterator, Mapping, Sequence
from contextlib import asynccontextmanager
from typing import Any

from asyncua import ua
from asyncua.client.client import Client
from asyncua.client.ua_client import UaClientState
from asyncua.crypto import security_policies
from asyncua.ua.attribute_ids import AttributeIds
from asyncua.ua.status_codes import StatusCodes
from asyncua.ua.uaerrors import UaError, UaStatusCodeError
from cryptography.exceptions import InvalidSignature

from drivers.link import ConfigurationFault, PeerLost
from drivers.patience import patient
from drivers.plcs.opc_ua import certificates
from drivers.plcs.opc_ua.addresses import Identifier, NodeAddress
from drivers.plcs.opc_ua.settings import OpcUaSettings, UaSecurityMode, UaSecurityPolicy
from drivers.plcs.opc_ua.values import said
from drivers.plcs.port import PlcConfig
from drivers.plcs.tags import TagRefused
from drivers.threads import completed

# The library tells each loss with its traces, which is the supervisor's to tell, and at its
# debug level what it sends, which is passwords too.
logging.getLogger("asyncua").setLevel(logging.CRITICAL + 1)

# As IANA has it for OPC UA.
PORT = 4840
# Controllers have room for few sessions: one that was cut off must not be kept for long. An open
# one is asked every `timeout_s`.
LEAST_SESSION_TIMEOUT_S = 10.0
# How long a service that stops waits for a server's last word; and for one that is lost, and may
# hear us yet: every moment is one later that the loss is told.
FAREWELL_S = 1.0
LOST_FAREWELL_S = 0.1
# Nodes in one request: less than the least limit known of a controller's server.
MOST_IN_A_REQUEST = 100

_POLICIES: Mapping[UaSecurityPolicy, Any] = {
    UaSecurityPolicy.BASIC256SHA256: security_policies.SecurityPolicyBasic256Sha256,
    UaSecurityPolicy.AES128_SHA256_RSAOAEP: security_policies.SecurityPolicyAes128Sha256RsaOaep,
    UaSecurityPolicy.AES256_SHA256_RSAPSS: security_policies.SecurityPolicyAes256Sha256RsaPss,
}
_MODES = {
    UaSecurityMode.SIGN: ua.MessageSecurityMode.Sign,
    UaSecurityMode.SIGN_AND_ENCRYPT: ua.MessageSecurityMode.SignAndEncrypt,
}
# Asking again changes nothing, and a password that is asked again and again locks the account.
_USER_REFUSED = (
    StatusCodes.BadUserAccessDenied,
    StatusCodes.BadIdentityTokenRejected,
    StatusCodes.BadIdentityTokenInvalid,
    StatusCodes.BadIdentityChangeNotSupported,
)
_HOPELESS = (
    *_USER_REFUSED,
    StatusCodes.BadSecurityPolicyRejected,
    StatusCodes.BadSecurityModeRejected,
    StatusCodes.BadSecurityModeInsufficient,
    StatusCodes.BadCertificateTimeInvalid,
    StatusCodes.BadCertificateUriInvalid,
    StatusCodes.BadCertificateUseNotAllowed,
    StatusCodes.BadCertificateRevoked,
)
# These end when somebody trusts our certificate at the controller, so they are asked again.
_UNTRUSTED = (StatusCodes.BadCertificateUntrusted, StatusCodes.BadSecurityChecksFailed)


class SteadyClient(Client):
    """asyncua's client, less a habit: it dials with `asyncio.wait_for`, which before Python 3.12
    returns the connection to whoever is cancelled as it comes up, and the driver would run on."""

    async def connect_socket(self) -> None:
        """Raises OSError, or TimeoutError when it takes longer than any answer may."""
        inner, place = self.uaclient, self.server_url
        host, port = place.hostname or "", place.port or PORT
        dialling = asyncio.get_running_loop().create_connection
        inner._set_state(UaClientState.CONNECTING)
        try:
            async with patient(inner._timeout):
                await dialling(inner._make_protocol, host, port)
        except BaseException:
            inner._set_state(UaClientState.DISCONNECTED)
            raise
        inner._set_state(UaClientState.SOCKET_OPEN)


class ServerSession:
    """Requests of a session that is open. Each raises TimeoutError, PeerLost, or TagRefused where
    the server refuses it as a whole."""

    def __init__(self, client: Client, timeout_s: float) -> None:
        self.client = client
        self.timeout_s = timeout_s
        self._namespaces: dict[str, int] = {}
        self._lost: asyncio.Future[str] = asyncio.get_running_loop().create_future()
        client.connection_lost_callback = self._on_loss

    @property
    def peer(self) -> str:
        return self.client.server_url.geturl()

    def node_id(self, address: NodeAddress) -> ua.NodeId:
        """Raises TagRefused where the server has no such namespace."""
        namespace = address.namespace
        if isinstance(namespace, str):
            if namespace not in self._namespaces:
                raise TagRefused(f"is of the namespace {namespace}, which the controller lacks")
            namespace = self._namespaces[namespace]
        return node_id(address.identifier, namespace)

    async def learn_namespaces(self) -> None:
        """They keep their indices for as long as the server runs."""
        uris = await self.client.get_namespace_array()
        self._namespaces = {uri: index for index, uri in reversed([*enumerate(uris)])}

    async def read(self, wanted: Sequence[tuple[ua.NodeId, AttributeIds]]) -> list[ua.DataValue]:
        """Attributes, asked of the device and not of the server's memory."""
        found: list[ua.DataValue] = []
        for at in range(0, len(wanted), MOST_IN_A_REQUEST):
            part = [
                ua.ReadValueId(NodeId=node, AttributeId=attribute)
                for node, attribute in wanted[at : at + MOST_IN_A_REQUEST]
            ]
            asked = ua.ReadParameters(MaxAge=0, NodesToRead=part)
            async with self.answering():
                found += await self.client.uaclient.read(asked)
        return found

    async def write(self, node: ua.NodeId, variant: ua.Variant) -> ua.StatusCode:
        # With a status or a time of ours many servers refuse the value.
        value = ua.DataValue(variant, StatusCode=None)
        async with self.answering():
            return (await self.client.uaclient.write_attributes([node], [value]))[0]

    @asynccontextmanager
    async def answering(self) -> AsyncIterator[None]:
        """One request and its answer. Answers carry the number of their request: one that comes
        late is dropped by the library."""
        try:
            async with patient(self.timeout_s):
                yield
        except UaStatusCodeError as error:
            raise TagRefused(said(ua.StatusCode(error.code))) from None
        except (ConnectionError, UaError) as error:
            raise PeerLost(str(error)) from error

    def lose(self, reason: str) -> None:
        if not self._lost.done():
            self._lost.set_result(reason)

    async def until_lost(self) -> None:
        """Raises PeerLost when that happens."""
        raise PeerLost(await asyncio.shield(self._lost))

    async def _on_loss(self, error: Exception) -> None:
        """The library asks for the server's state every `watchdog_intervall`, and waits as long."""
        silent = isinstance(error, TimeoutError)
        self.lose("the server fell silent" if silent else str(error) or type(error).__name__)


@asynccontextmanager
async def opened(config: PlcConfig) -> AsyncIterator[ServerSession]:
    """Raises what a driver's `run` may."""
    client = _client(config)
    session = ServerSession(client, config.timeout_s)
    try:
        async with patient(config.connect_timeout_s):
            await _connect(session, config.opc_ua)
    except BaseException as error:
        await _hung_up(client, LOST_FAREWELL_S)
        explained = _explained(error, config)
        if explained is error:
            raise
        raise explained from error
    try:
        yield session
    except asyncio.CancelledError:
        await _hung_up(client, min(config.timeout_s, FAREWELL_S))
        raise
    except BaseException:
        await _hung_up(client, LOST_FAREWELL_S)
        raise


def _client(config: PlcConfig) -> Client:
    host = f"[{config.host}]" if ":" in config.host else config.host
    # Each answer while connecting has the whole time for it: making keys is slow on a controller.
    client = SteadyClient(
        f"opc.tcp://{host}:{config.port or PORT}{config.opc_ua.path}",
        timeout=config.connect_timeout_s,
        watchdog_intervall=config.timeout_s,
    )
    client.name = client.description = "Oktograph"
    client.product_uri = "urn:oktograph"
    client.application_uri = "urn:oktograph"
    client.session_timeout = int(kept_s(config.timeout_s) * 1000)
    return client


def kept_s(timeout_s: float) -> float:
    """How long a server keeps what we left without farewell."""
    return max(LEAST_SESSION_TIMEOUT_S, 5 * timeout_s)


async def _connect(session: ServerSession, settings: OpcUaSettings) -> None:
    client = session.client
    if settings.username is not None and settings.password is not None:
        client.set_user(settings.username)
        client.set_password(settings.password.get_secret_value())
    if settings.is_secured:
        await _secure(client, settings)
    await client.connect()
    await session.learn_namespaces()


async def _secure(client: Client, settings: OpcUaSettings) -> None:
    """Learns the server's certificate, which the channel then proves, and shows ours."""
    ours = await completed(_ours, settings)
    trusted = settings.trusted_certificate_path
    known = None if trusted is None else await completed(certificates.trusted, trusted)
    client.application_uri = ours.uri
    await client.set_security(
        _POLICIES[settings.security_policy],
        ours.certificate,
        ours.private_key,
        mode=_MODES[settings.security_mode],
    )
    shown = certificates.fingerprint(client.security_policy.peer_certificate or b"")
    if known is not None and shown not in known:
        raise ConfigurationFault(f"the server's certificate is not trusted: SHA-256 {shown.hex()}")


def _ours(settings: OpcUaSettings) -> certificates.ApplicationCertificate:
    certificate, key = settings.certificate_path, settings.private_key_path
    if certificate is None or key is None:
        return certificates.own(settings.certificate_folder or "")
    locked = settings.private_key_password
    password = None if locked is None else locked.get_secret_value()
    return certificates.loaded(certificate, key, password)


def _explained(error: BaseException, config: PlcConfig) -> BaseException:
    """What `run` raises for what connecting met."""
    if isinstance(error, TimeoutError):
        return PeerLost(f"no session within {config.connect_timeout_s:g} s")
    if isinstance(error, UaStatusCodeError):
        return _refused(error, config)
    if isinstance(error, UaError) and str(error).startswith("No matching endpoints"):
        settings = config.opc_ua
        wanted = settings.security_policy + (f" {settings.security_mode}" * settings.is_secured)
        return ConfigurationFault(f"the server offers no endpoint with {wanted}")
    if isinstance(error, InvalidSignature):
        return PeerLost("the server does not prove that its certificate is its own")
    if isinstance(error, UaError):
        return PeerLost(str(error))
    return error


def _refused(error: UaStatusCodeError, config: PlcConfig) -> Exception:
    reason = said(ua.StatusCode(error.code))
    if error.code in _UNTRUSTED:
        return PeerLost(f"{reason}. Is the certificate of this edge trusted by the controller?")
    if error.code in _USER_REFUSED:
        who = config.opc_ua.username or "an anonymous user"
        return ConfigurationFault(f"the server refuses {who}: {reason}")
    return ConfigurationFault(reason) if error.code in _HOPELESS else PeerLost(reason)


def node_id(identifier: Identifier, namespace: int = 0) -> ua.NodeId:
    return ua.NodeId(identifier, namespace)  # type: ignore[arg-type]  # its types are for itself


async def _hung_up(client: Client, timeout_s: float) -> None:
    """Says farewell, so that the server frees the session, but not for long. The library's own
    tasks end with it, so it comes after a failure too."""
    protocol = client.uaclient.protocol
    transport = None if protocol is None else protocol.transport
    closing = asyncio.create_task(client.disconnect(), name="OPC UA farewell")
    try:
        await asyncio.wait({closing}, timeout=timeout_s)
    finally:
        if transport is not None:
            transport.abort()
        await asyncio.wait({closing})
        if not closing.cancelled():
            closing.exception()  # whatever it met, the session is over

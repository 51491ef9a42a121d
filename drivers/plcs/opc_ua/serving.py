"""An asyncua server as a simulator's settings want it: who may come, how, and what for."""

import asyncio
import copy
import functools
from collections.abc import Iterator, MutableMapping
from pathlib import Path
from typing import Any

from asyncua import ua
from asyncua.common.utils import ServiceError
from asyncua.crypto.permission_rules import PermissionRuleset, User, UserRole
from asyncua.server.address_space import NodeData
from asyncua.server.internal_server import InternalServer
from asyncua.server.server import Server
from asyncua.ua.object_ids import ObjectIds
from asyncua.ua.status_codes import StatusCodes
from cryptography import x509
from cryptography.hazmat.primitives import hashes

from drivers.plcs.opc_ua import certificates
from drivers.plcs.opc_ua.client import node_id
from drivers.plcs.opc_ua.settings import UaSecurityMode, UaSecurityPolicy
from drivers.plcs.opc_ua.simulation import SimulatedEndpoint, SimulatedUser, SimulatorConfig
from drivers.threads import completed

_POLICIES = {
    UaSecurityPolicy.BASIC256SHA256: "Basic256Sha256",
    UaSecurityPolicy.AES128_SHA256_RSAOAEP: "Aes128Sha256RsaOaep",
    UaSecurityPolicy.AES256_SHA256_RSAPSS: "Aes256Sha256RsaPss",
}
_MODES = {UaSecurityMode.SIGN: "Sign", UaSecurityMode.SIGN_AND_ENCRYPT: "SignAndEncrypt"}


async def made_server(config: SimulatorConfig) -> Server:
    """Not started yet; on any free port of this machine."""
    server = Server(iserver=_InternalServer(user_manager=_Users(config)))  # type: ignore[arg-type]
    server.disable_clock()
    await server.init()
    server.set_server_name("Oktograph simulator")
    server.set_endpoint(f"opc.tcp://{config.host}:{config.port}{config.path}")
    server.socket_address = ("127.0.0.1", 0)
    policies = [_policy(endpoint) for endpoint in config.endpoints]
    server.set_security_policy(policies, permission_ruleset=_Rules())  # type: ignore[arg-type]
    allowed = [ua.AnonymousIdentityToken] * config.allows_anonymous
    server.set_identity_tokens([*allowed, *[ua.UserNameIdentityToken] * bool(config.users)])
    if config.certificate_folder is not None:
        ours = await completed(certificates.own, config.certificate_folder)
        await server.load_certificate(ours.certificate)
        await server.load_private_key(ours.private_key)
        await server.set_application_uri(ours.uri)
    if config.trusted_certificate_path is not None:
        server.iserver.certificate_validator = _trusting(config.trusted_certificate_path)
    return server


def _policy(endpoint: SimulatedEndpoint) -> ua.SecurityPolicyType:
    if endpoint.policy is UaSecurityPolicy.NONE:
        return ua.SecurityPolicyType.NoSecurity
    return ua.SecurityPolicyType[f"{_POLICIES[endpoint.policy]}_{_MODES[endpoint.mode]}"]


def _trusting(path: str) -> Any:
    """Looked up at each call: an administrator may come to trust a client meanwhile."""

    async def validate(certificate: x509.Certificate, _: object) -> None:
        known = await asyncio.to_thread(_trusted_now, path)
        if certificate.fingerprint(hashes.SHA256()) not in known:
            raise ServiceError(StatusCodes.BadCertificateUntrusted)

    return validate


def _trusted_now(path: str) -> frozenset[bytes]:
    place = Path(path)
    nobody = place.is_dir() and not any(place.iterdir())
    return frozenset() if nobody else certificates.trusted(path)


class _Users:
    """Who comes in; the library calls the role by what it may do."""

    def __init__(self, config: SimulatorConfig) -> None:
        self._anonymous = config.allows_anonymous
        self._users = {user.name: user for user in config.users}

    def get_user(
        self, _: object, username: str | None = None, password: str | None = None, **__: object
    ) -> User | None:
        if username is None:
            return User(role=UserRole.User) if self._anonymous else None
        user: SimulatedUser | None = self._users.get(username)
        if user is None or user.password.get_secret_value() != password:
            return None
        return User(role=UserRole.User if user.may_write else UserRole.Anonymous, name=username)


class _Rules(PermissionRuleset):
    """Everybody who came in may all but write; that is for users."""

    def check_validity(self, user: User, action_type: ua.NodeId, body: object) -> bool:
        writes = node_id(ObjectIds.WriteRequest_Encoding_DefaultBinary)
        return user.role is not UserRole.Anonymous or action_type != writes


class _InternalServer(InternalServer):
    """The standard address space takes a second to build: it is built once a process, and each
    server has its own copy of the nodes it touches."""

    async def load_standard_address_space(self, shelf_file: Path | None = None) -> None:
        self.aspace._nodes = _Copied(await asyncio.to_thread(_standard_nodes))  # type: ignore[assignment]


class _Copied(MutableMapping[ua.NodeId, NodeData]):
    def __init__(self, shared: dict[ua.NodeId, NodeData]) -> None:
        self._shared = shared
        self._own: dict[ua.NodeId, NodeData] = {}

    def __getitem__(self, key: ua.NodeId) -> NodeData:
        if key not in self._own:
            self._own[key] = copy.deepcopy(self._shared[key])
        return self._own[key]

    def __setitem__(self, key: ua.NodeId, value: NodeData) -> None:
        self._own[key] = value

    def __delitem__(self, key: ua.NodeId) -> None:
        del self._own[key]

    def __contains__(self, key: object) -> bool:
        return key in self._own or key in self._shared

    def __iter__(self) -> Iterator[ua.NodeId]:
        return iter({**self._shared, **self._own})

    def __len__(self) -> int:
        return len({**self._shared, **self._own})


@functools.cache
def _standard_nodes() -> dict[ua.NodeId, NodeData]:
    from asyncua.server.standard_address_space import standard_address_space

    server = InternalServer()
    standard_address_space.fill_address_space(server.node_mgt_service)  # type: ignore[no-untyped-call]
    server.method_service.stop()
    return dict(server.aspace._nodes)

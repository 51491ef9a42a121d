"""A UPS with a network card, asked by UPS-MIB over SNMP 2c or 3.

An agent that is asked with a wrong community says nothing, as one that is not there; of version 3
it says what was wrong. A late answer is nobody's: each carries the number of its question.
"""

import asyncio
from collections.abc import Iterable, Mapping
from typing import Any, Final, NoReturn

from pyasn1.type.univ import Integer, Null, ObjectIdentifier, OctetString  # type: ignore[import-untyped]
from pysnmp.error import PySnmpError  # type: ignore[import-untyped]
from pysnmp.hlapi.v3arch.asyncio import (  # type: ignore[import-untyped]
    USM_AUTH_HMAC96_MD5,
    USM_AUTH_HMAC96_SHA,
    USM_AUTH_HMAC192_SHA256,
    USM_AUTH_HMAC384_SHA512,
    USM_PRIV_CBC56_DES,
    USM_PRIV_CFB128_AES,
    USM_PRIV_CFB256_AES,
    CommunityData,
    ContextData,
    ObjectIdentity,
    ObjectType,
    SnmpEngine,
    UsmUserData,
    get_cmd,
    set_cmd,
)
from pysnmp.proto import errind  # type: ignore[import-untyped]
from pysnmp.proto.rfc1902 import Integer32  # type: ignore[import-untyped]
from pysnmp.proto.rfc1905 import errorStatus  # type: ignore[import-untyped]

from domain.kernel.clock import Clock
from drivers.link import ConfigurationFault, PeerLost
from drivers.patience import patient
from drivers.threads import completed
from drivers.ups.mib import QUICK_BATTERY_TEST, READ, UpsObject, Value, reading_of
from drivers.ups.port import (
    SelfTest,
    SelfTestOutcome,
    SnmpAuth,
    SnmpPrivacy,
    SnmpSettings,
    SnmpVersion,
    UpsConfig,
    UpsReading,
)
from drivers.ups.snmp_carrier import Udp6Target, UdpTarget

# Datagrams get lost: one question may be asked three times within `timeout_s`.
_RETRIES: Final = 2

AUTH: Final[Mapping[SnmpAuth, Any]] = {
    SnmpAuth.MD5: USM_AUTH_HMAC96_MD5,
    SnmpAuth.SHA: USM_AUTH_HMAC96_SHA,
    SnmpAuth.SHA256: USM_AUTH_HMAC192_SHA256,
    SnmpAuth.SHA512: USM_AUTH_HMAC384_SHA512,
}
PRIVACY: Final[Mapping[SnmpPrivacy, Any]] = {
    SnmpPrivacy.DES: USM_PRIV_CBC56_DES,
    SnmpPrivacy.AES: USM_PRIV_CFB128_AES,
    SnmpPrivacy.AES256: USM_PRIV_CFB256_AES,
}
# Only somebody who changes the configuration, here or there, can help.
_REFUSALS: Final = (
    errind.UnknownUserName,
    errind.UnknownSecurityName,
    errind.WrongDigest,
    errind.AuthenticationFailure,
    errind.UnsupportedSecurityLevel,
    errind.DecryptionError,
)


class SnmpSource:
    """`UpsSource` over one UDP socket."""

    def __init__(self, config: UpsConfig, clock: Clock) -> None:
        self._config = config
        self._clock = clock
        self._engine: Any = None
        self._target: Any = None
        self._answered = False
        self._ever_accepted = False
        self._turn = asyncio.Lock()

    async def read(self) -> UpsReading:
        values = await self._get(READ)
        return reading_of(values, self._clock.now_us(), self._config.low_battery_percent)

    async def start_self_test(self) -> SelfTest | None:
        """RFC 1628: the lock's value is read and written back together with the test's name, so
        that of two who ask at once one is refused."""
        have = await self._get((UpsObject.TEST_ID, UpsObject.TEST_LOCK))
        if UpsObject.TEST_ID not in have:
            return SelfTest(SelfTestOutcome.UNSUPPORTED, "the UPS offers no self-test")
        lock = have.get(UpsObject.TEST_LOCK)
        what = [(UpsObject.TEST_ID, ObjectIdentifier(QUICK_BATTERY_TEST))]
        if isinstance(lock, int):
            what.insert(0, (UpsObject.TEST_LOCK, Integer32(lock)))
        refusal = await self._set(what)
        return None if refusal is None else SelfTest(SelfTestOutcome.REFUSED, refusal)

    async def hang_up(self) -> None:
        """An agent that comes back may be another one, or have begun to count anew: what was
        learnt of it goes. Nothing was learnt of one that never answered, and an engine is dear."""
        if self._answered:
            await self.aclose()
        self._target = None

    async def aclose(self) -> None:
        engine, self._engine = self._engine, None
        self._target, self._answered = None, False
        if engine is not None:
            engine.close_dispatcher()

    async def _get(self, names: Iterable[UpsObject]) -> dict[UpsObject, Value]:
        """Only what the agent has. Raises PeerLost, ConfigurationFault."""
        asked = [ObjectType(ObjectIdentity(name.value)) for name in names]
        status, found = await self._ask(get_cmd, asked, _RETRIES)
        if status:
            raise PeerLost(f"the SNMP agent answers {_name_of(status)}")
        values = ((UpsObject(str(name)), _python(value)) for name, value in found)
        return {name: value for name, value in values if value is not None}

    async def _set(self, values: list[tuple[UpsObject, Any]]) -> str | None:
        """Why the agent refused. Asked once: a question whose answer was lost may have worked."""
        what = [ObjectType(ObjectIdentity(name.value), value) for name, value in values]
        status, _ = await self._ask(set_cmd, what, 0, write=True)
        return _name_of(status) if status else None

    async def _ask(
        self, command: Any, objects: list[Any], retries: int, *, write: bool = False
    ) -> tuple[Any, Any]:
        async with self._turn:
            # An engine loads its tables from files: off the loop, which has a line to serve.
            self._engine = self._engine or await completed(_loaded_engine)
            try:
                async with patient(self._config.timeout_s):
                    self._target = self._target or await self._resolved()
                    return await self._question(command, objects, retries, write)
            except TimeoutError:
                raise self._no_answer() from None
            except PySnmpError as error:
                raise PeerLost(str(error) or type(error).__name__) from None

    async def _question(
        self, command: Any, objects: list[Any], retries: int, write: bool
    ) -> tuple[Any, Any]:
        config = self._config
        self._target.retries = retries
        self._target.timeout = config.timeout_s / (retries + 1)
        error, status, _, found = await command(
            self._engine,
            credentials(config.snmp, write=write),
            self._target,
            ContextData(contextName=config.snmp.context.encode()),
            *objects,
            lookupMib=False,
        )
        if error is not None:
            self._raise(error)
        self._answered = self._ever_accepted = True
        return int(status), found

    async def _resolved(self) -> Any:
        target = Udp6Target if ":" in self._config.host else UdpTarget
        return await target.create((self._config.host, self._config.peer_port))

    def _raise(self, error: Any) -> NoReturn:
        """A refusal counts as final only from an agent that never took us: one stray datagram
        must not end the watch over a UPS that has answered for weeks."""
        if isinstance(error, errind.RequestTimedOut):
            raise self._no_answer()
        if isinstance(error, _REFUSALS) and not self._ever_accepted:
            raise ConfigurationFault(f"ups.snmp: refused by the agent: {error}")
        raise PeerLost(str(error))

    def _no_answer(self) -> PeerLost:
        hint = " (or a wrong community)" if self._config.snmp.version is SnmpVersion.V2C else ""
        return PeerLost(f"no answer within {self._config.timeout_s:g} s{hint}")


def _loaded_engine() -> Any:
    engine = SnmpEngine()
    # The first name resolved loads the rest of the tables.
    ObjectType(ObjectIdentity(READ[0].value)).resolve_with_mib(engine.cache["mibViewController"])
    return engine


def credentials(snmp: SnmpSettings, *, write: bool = False) -> Any:
    if snmp.version is SnmpVersion.V2C:
        community = (snmp.write_community if write else None) or snmp.community
        # Many cards know no other version; which one is spoken is the configuration's to say.
        return CommunityData(community.get_secret_value(), mpModel=1)  # noqa: S508
    return UsmUserData(
        snmp.username,
        snmp.auth_key and snmp.auth_key.get_secret_value(),
        snmp.privacy_key and snmp.privacy_key.get_secret_value(),
        authProtocol=AUTH[snmp.auth_protocol] if snmp.auth_key else None,
        privProtocol=PRIVACY[snmp.privacy_protocol] if snmp.privacy_key else None,
    )


def _python(value: Any) -> Value | None:
    """None for noSuchObject and noSuchInstance, which the library makes of Null, and that of
    OctetString."""
    if isinstance(value, Null):
        return None
    if isinstance(value, OctetString):
        return bytes(value).decode("latin-1").strip("\x00 ")
    if isinstance(value, ObjectIdentifier):
        return str(value)
    return int(value) if isinstance(value, Integer) else None


def _name_of(status: Any) -> str:
    return str(errorStatus.clone(status).prettyPrint())

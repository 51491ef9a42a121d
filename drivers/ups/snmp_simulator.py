"""A UPS's network card that is a real UDP peer: an SNMP agent that serves the UPS-MIB."""

import asyncio
from collections.abc import Callable, Mapping
from random import SystemRandom
from secrets import token_bytes
from typing import Any, Final, Self

from pydantic import BaseModel, ConfigDict, Field
from pysnmp.carrier.asyncio.dgram import udp  # type: ignore[import-untyped]
from pysnmp.entity import config as usm  # type: ignore[import-untyped]
from pysnmp.entity.engine import SnmpEngine  # type: ignore[import-untyped]
from pysnmp.entity.rfc3413 import cmdrsp, context  # type: ignore[import-untyped]
from pysnmp.proto.rfc1902 import (  # type: ignore[import-untyped]
    Integer32,
    ObjectIdentifier,
    OctetString,
)
from pysnmp.proto.rfc1905 import endOfMibView, noSuchInstance  # type: ignore[import-untyped]
from pysnmp.smi import error  # type: ignore[import-untyped]
from pysnmp.smi.instrum import AbstractMibInstrumController  # type: ignore[import-untyped]

from drivers.ups.mib import ABORT_TEST, NO_TEST, QUICK_BATTERY_TEST, UpsObject
from drivers.ups.port import SnmpSettings, SnmpVersion
from drivers.ups.simulation import BatteryTest, SimulatedUps, SimulatedUpsConfig
from drivers.ups.snmp import AUTH, PRIVACY
from drivers.ups.snmp_carrier import UdpCarrier

_EVERYTHING: Final = (1, 3, 6)
_NOTHING: Final = (0, 0)
_SECURITY_MODELS: Final = {SnmpVersion.V2C: 2, SnmpVersion.V3: 3}
_RESULTS: Final[Mapping[BatteryTest, int]] = {
    BatteryTest.PASSED: 1,
    BatteryTest.WARNING: 2,
    BatteryTest.FAILED: 3,
    BatteryTest.ABORTED: 4,
    BatteryTest.RUNNING: 5,
    BatteryTest.NEVER: 6,
}
_DETAILS: Final[Mapping[BatteryTest, str]] = {
    BatteryTest.PASSED: "passed",
    BatteryTest.WARNING: "warning: battery is worn",
    BatteryTest.FAILED: "failed: battery does not hold",
    BatteryTest.ABORTED: "aborted",
    BatteryTest.RUNNING: "in progress",
    BatteryTest.NEVER: "",
}
_noise = SystemRandom().randbytes


class SnmpSimulatorConfig(BaseModel):
    """`snmp` is whom the agent lets in, by the settings of those who ask. With port 0 it takes
    any free one. `hidden` objects are not served, `read_only` refuses every SET."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    host: str = "127.0.0.1"
    port: int = Field(default=0, ge=0, le=65535)
    snmp: SnmpSettings = SnmpSettings()
    hidden: tuple[UpsObject, ...] = ()
    read_only: bool = False
    ups: SimulatedUpsConfig = SimulatedUpsConfig()


class SnmpSimulator:
    """While it runs: `stall` holds back what it says and `resume` lets it go, late; `delay_s` is
    before each answer; `garbled` answers noise; `copies` is how often each answer is sent;
    `refuse` closes the socket until `accept`. Use as `async with`; closing twice is fine."""

    def __init__(
        self, config: SnmpSimulatorConfig | None = None, ups: SimulatedUps | None = None
    ) -> None:
        self.config = config or SnmpSimulatorConfig()
        self.ups = ups or SimulatedUps(self.config.ups)
        self.port = self.config.port
        self.delay_s = 0.0
        self.garbled = False
        self.copies = 1
        self.answers = 0
        self._held: list[Callable[[], None]] | None = None
        self._later: set[asyncio.TimerHandle] = set()
        self._engine: Any = None
        self._mib = _UpsMib(self.ups, self.config)

    async def __aenter__(self) -> Self:
        await self.accept()
        return self

    async def __aexit__(self, *_: object) -> None:
        await self.close()

    async def accept(self) -> None:
        """Raises OSError where the port is taken."""
        if self._engine is not None:
            return
        loop = asyncio.get_running_loop()
        carrier = _Carrier(self)
        transport, _ = await loop.create_datagram_endpoint(
            lambda: carrier, local_addr=(self.config.host, self.port)
        )
        self.port = transport.get_extra_info("sockname")[1]
        self._engine = _engine_of_its_own()
        usm.add_transport(self._engine, udp.DOMAIN_NAME, carrier)
        _let_in(self._engine, self.config.snmp)
        _answer_from(self._engine, self._mib)
        self._engine.transport_dispatcher.job_started(1)

    async def refuse(self) -> None:
        for handle in self._later:
            handle.cancel()
        self._later.clear()
        engine, self._engine = self._engine, None
        if engine is not None:
            engine.close_dispatcher()

    async def close(self) -> None:
        await self.refuse()

    def stall(self) -> None:
        self._held = self._held or []

    def resume(self) -> None:
        held, self._held = self._held or [], None
        for send in held:
            send()

    def misbehave(self, send: Callable[[bytes], None], data: bytes) -> None:
        """For the carrier: what becomes of an answer."""
        self.answers += 1
        sent = _noise(len(data)) if self.garbled else data

        def go() -> None:
            for _ in range(self.copies):
                send(sent)

        if self._held is not None:
            self._held.append(go)
        elif self.delay_s:
            self._later.add(asyncio.get_running_loop().call_later(self.delay_s, go))
        else:
            go()


class _Carrier(UdpCarrier):
    def __init__(self, simulator: SnmpSimulator) -> None:
        super().__init__(loop=asyncio.get_running_loop())
        self._simulator = simulator

    def send_message(self, outgoing: bytes, address: Any) -> None:
        def send(data: bytes) -> None:
            if self.transport is not None and not self.transport.is_closing():
                self.transport.sendto(data, tuple(address))

        self._simulator.misbehave(send, bytes(outgoing))


class _UpsMib(AbstractMibInstrumController):  # type: ignore[misc]
    """The objects as they are this moment."""

    def __init__(self, ups: SimulatedUps, config: SnmpSimulatorConfig) -> None:
        self._ups = ups
        self._config = config
        self._lock = int.from_bytes(token_bytes(2))
        self._test = NO_TEST

    def read_variables(self, *bindings: Any, **_: Any) -> list[Any]:
        values = self._values()
        return [(name, values.get(tuple(name), noSuchInstance)) for name, _ in bindings]

    def read_next_variables(self, *bindings: Any, **_: Any) -> list[Any]:
        values = sorted(self._values().items())
        return [
            next(
                ((ObjectIdentifier(oid), value) for oid, value in values if oid > tuple(name)),
                (name, endOfMibView),
            )
            for name, _ in bindings
        ]

    def write_variables(self, *bindings: Any, **context: Any) -> list[Any]:
        """All or nothing (RFC 3416 §4.2.5)."""
        for at, binding in enumerate(bindings):
            if context["acFun"]("write", binding, **{**context, "idx": at}):
                raise error.NoAccessError(idx=at)
        wanted = {str(name): value for name, value in bindings}
        if self._config.read_only or set(wanted) - {UpsObject.TEST_ID, UpsObject.TEST_LOCK}:
            raise error.NotWritableError(idx=0)
        lock = wanted.get(UpsObject.TEST_LOCK)
        if lock is not None and int(lock) != self._lock:
            raise error.InconsistentValueError(idx=0)
        if UpsObject.TEST_ID in wanted:
            self._begin(str(wanted[UpsObject.TEST_ID]))
        self._lock = (self._lock + 1) % 2**31
        return list(bindings)

    def _begin(self, test: str) -> None:
        if test == ABORT_TEST:
            self._ups.abort_test()
        elif test != QUICK_BATTERY_TEST or not self._ups.start_test():
            raise error.InconsistentValueError(idx=0)
        self._test = test

    def _values(self) -> dict[tuple[int, ...], Any]:
        ups = self._ups
        battery = 2 if not ups.low_battery else 3 if ups.battery_percent > 0 else 4
        values = {
            UpsObject.MANUFACTURER: OctetString(ups.config.manufacturer),
            UpsObject.MODEL: OctetString(ups.config.model),
            UpsObject.BATTERY_STATUS: Integer32(battery),
            UpsObject.SECONDS_ON_BATTERY: Integer32(ups.seconds_on_battery),
            UpsObject.MINUTES_REMAINING: Integer32(ups.runtime_s // 60),
            UpsObject.CHARGE_REMAINING: Integer32(round(ups.battery_percent)),
            UpsObject.INPUT_VOLTAGE: Integer32(round(ups.input_voltage)),
            UpsObject.OUTPUT_SOURCE: Integer32(5 if ups.on_battery else 3),
            UpsObject.OUTPUT_LOAD: Integer32(round(ups.load_percent)),
            UpsObject.TEST_ID: ObjectIdentifier(self._test),
            UpsObject.TEST_LOCK: Integer32(self._lock),
            UpsObject.TEST_RESULT: Integer32(_RESULTS[ups.test_state]),
            UpsObject.TEST_DETAIL: OctetString(_DETAILS[ups.test_state]),
        }
        served = ((name, v) for name, v in values.items() if name not in self._config.hidden)
        return {tuple(map(int, name.split("."))): value for name, value in served}


def _engine_of_its_own() -> Any:
    """Handing in an id would have the library keep a file of it; its own is the same for every
    engine of a machine and process."""
    engine = SnmpEngine()
    identity = engine.get_mib_builder().import_symbols("__SNMP-FRAMEWORK-MIB", "snmpEngineID")[0]
    identity.syntax = identity.syntax.clone(b"\x80\x00\x1f\x88\x05" + token_bytes(8))
    engine.snmpEngineID = identity.syntax
    return engine


def _let_in(engine: Any, snmp: SnmpSettings) -> None:
    if snmp.version is SnmpVersion.V2C:
        for name, secret, writes in (
            ("reader", snmp.community, snmp.write_community is None),
            ("writer", snmp.write_community, True),
        ):
            if secret is not None:
                usm.add_v1_system(engine, name, secret.get_secret_value())
                _allow(engine, snmp.version, name, "noAuthNoPriv", writes)
        return
    auth, privacy = snmp.auth_key, snmp.privacy_key
    usm.add_v3_user(
        engine,
        snmp.username,
        AUTH[snmp.auth_protocol] if auth else usm.USM_AUTH_NONE,
        auth and auth.get_secret_value(),
        PRIVACY[snmp.privacy_protocol] if privacy else usm.USM_PRIV_NONE,
        privacy and privacy.get_secret_value(),
    )
    level = "authPriv" if privacy else "authNoPriv" if auth else "noAuthNoPriv"
    _allow(engine, snmp.version, snmp.username, level, True)


def _allow(engine: Any, version: SnmpVersion, user: Any, level: str, writes: bool) -> None:
    """A view must be there even for who may not write: the library lets pass who has none."""
    writable = _EVERYTHING if writes else _NOTHING
    usm.add_vacm_user(engine, _SECURITY_MODELS[version], user, level, _EVERYTHING, writable)


def _answer_from(engine: Any, mib: _UpsMib) -> None:
    served = context.SnmpContext(engine)
    served.unregister_context_name(b"")
    served.register_context_name(b"", mib)
    cmdrsp.GetCommandResponder(engine, served)
    cmdrsp.NextCommandResponder(engine, served)
    cmdrsp.SetCommandResponder(engine, served)

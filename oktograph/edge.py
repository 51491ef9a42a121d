"""The edge: everything that lives in its process, started and stopped in order."""

from contextlib import AsyncExitStack
from importlib.metadata import version

import structlog

from domain.identity import operations as identity
from domain.identity.ports import IdentityServices, TokenKind
from domain.identity.rows import CustomerRow
from domain.journal import audit
from domain.kernel import eventlog
from domain.kernel.actor import system_actor
from domain.kernel.clock import SystemClock
from domain.kernel.database import Database
from domain.kernel.fanout import Fanout
from domain.kernel.tail import LogTail
from domain.kernel.uow import Transactions, UnitOfWork
from domain.line.operations import Accumulation
from domain.production.codes import ProfileCatalogue
from domain.production.operations.scans import ScanIntake, SiteCodes
from domain.production.repository.scan_store import ScanStore
from domain.production.repository.scan_store_postgres import PostgresScanStore
from domain.production.repository.scan_store_sqlite import SqliteScanStore
from drivers.bus.wakeups import WakeUpBus
from drivers.identity.actors import Tokens, UserSource
from drivers.identity.keys import KeyRing
from drivers.identity.passwords import Argon2Passwords
from drivers.identity.throttle import Throttle, ThrottleSettings
from drivers.identity.tokens import TokenSettings
from drivers.scanners.port import parse_scanners
from graph.context import Build, Policy, Services
from graph.engine import STREAM_SOURCES
from graph.streams import Streams
from migrations import upgrade
from oktograph.accumulator import Accumulator
from oktograph.background import background, every
from oktograph.entry import ServiceEntry
from oktograph.line import EdgeLine
from oktograph.ownership import owned
from oktograph.settings import Settings
from oktograph.synchronisation import sync_services

logger = structlog.get_logger(__name__)
TRIM_INTERVAL_S = 60.0


class EdgeRuntime:
    """Built by `start`, taken down by `stop` in the opposite order, whatever had been started."""

    services: Services
    entry: ServiceEntry
    line: EdgeLine
    customer: CustomerRow
    first_password: str | None = None
    """Of the administrator made at the very first start; shown once, kept nowhere."""

    def __init__(self, settings: Settings) -> None:
        self.settings = settings
        self.clock = SystemClock()
        self._stack = AsyncExitStack()

    async def start(self) -> None:
        try:
            await self._start()
        except BaseException:
            await self._stack.aclose()
            raise

    async def stop_streams(self) -> None:
        """Subscribers are told that the service stops; all else goes on until `stop`."""
        await self.services.fanout.close()

    async def stop(self) -> None:
        await self._stack.aclose()

    async def _start(self) -> None:
        settings, stack = self.settings, self._stack
        settings.data_dir.mkdir(parents=True, exist_ok=True)
        stack.enter_context(owned(settings.data_dir, "edge"))
        database = Database(settings.database_url)
        stack.push_async_callback(database.close)
        await upgrade(database)
        tail = LogTail(database)
        await tail.start()
        stack.push_async_callback(tail.stop)
        bus = WakeUpBus(settings.broadcast_url, tail.wake, namespace=tail.log_id)
        await bus.start()
        stack.push_async_callback(bus.close)
        transactions = Transactions(database, self.clock, bus, [audit.witness])
        fanout = Fanout(tail)
        stack.push_async_callback(fanout.close)
        passwords = Argon2Passwords()
        stack.callback(passwords.close)
        await self._accounts(transactions, passwords)
        scans = self._intake(database, bus)
        stack.push_async_callback(scans.close)
        self.line = EdgeLine(
            parse_scanners(settings.scanners), scans, transactions, self.customer.id
        )
        self.services = Services(
            database=database,
            transactions=transactions,
            clock=self.clock,
            tail=tail,
            fanout=fanout,
            streams=Streams(fanout, STREAM_SOURCES),
            policy=self._policy(),
            build=Build(version("oktograph"), self.clock.now_us()),
            identity=self._identity(database, passwords, tail),
            scans=scans,
            sync=await sync_services(settings, transactions, self.customer.id, stack),
            line=self.line,
        )
        self.entry = ServiceEntry(self.services)
        await self.line.start()
        stack.push_async_callback(self.line.stop)
        if settings.pack_size:
            self._accumulate()
        trimming = every(TRIM_INTERVAL_S, self._trim, "log-trim")
        stack.push_async_callback(background(trimming, "log-trim"))

    async def _accounts(self, transactions: Transactions, passwords: Argon2Passwords) -> None:
        async with transactions.begin(system_actor("bootstrap", 0)) as work:
            self.customer = await identity.ensure_customer(work, "Default")
        async with transactions.begin(system_actor("bootstrap", self.customer.id)) as work:
            if self.settings.demo:
                await identity.ensure_demo_accounts(work, passwords)
            else:
                await identity.retire_demo_accounts(work)
                await self._first_start(work, passwords)

    async def _first_start(self, work: UnitOfWork, passwords: Argon2Passwords) -> None:
        """A password that came by the environment is known to whoever set it: not shown."""
        secret = self.settings.bootstrap_password
        given = None if secret is None else secret.get_secret_value()
        made = await identity.first_start_admin(work, passwords, given)
        if made is not None and given is None:
            self.first_password = made.password

    def _identity(
        self, database: Database, passwords: Argon2Passwords, tail: LogTail
    ) -> IdentityServices:
        settings = self.settings
        keys = KeyRing(settings.data_dir / "keys")
        lifetime_s = int(settings.token_lifetime_h * 3600)
        sources = {TokenKind.USER: UserSource(database)}
        tokens = Tokens(keys, TokenSettings(user_lifetime_s=lifetime_s), self.clock, sources)
        self._stack.callback(tokens.follow(tail))
        throttle = Throttle(
            ThrottleSettings(settings.rate_limits, settings.throttle_url), self.clock
        )
        self._stack.push_async_callback(throttle.close)
        return IdentityServices(passwords, tokens, throttle)

    def _intake(self, database: Database, bus: WakeUpBus) -> ScanIntake:
        settings = self.settings
        catalogue = ProfileCatalogue()
        if settings.code_profiles:
            catalogue = catalogue.with_user_profiles(settings.code_profiles)
        store: ScanStore = (
            SqliteScanStore(database) if database.is_sqlite else PostgresScanStore(database)
        )
        codes = SiteCodes(catalogue, settings.industry, self.clock)
        return ScanIntake(store, codes, self.clock, bus)

    def _accumulate(self) -> None:
        settings, services = self.settings, self.services
        plan = Accumulation(
            settings.pack_size,
            settings.pallet_size,
            settings.gs1_company_prefix,
            settings.edge_identifier,
        )
        accumulator = Accumulator(services.transactions, services.tail, plan, self.customer.id)
        accumulator.start()
        self._stack.push_async_callback(accumulator.stop)

    def _policy(self) -> Policy:
        settings = self.settings
        return Policy(
            mock_mode=settings.mock_mode,
            industry=settings.industry,
            gs1_company_prefix=settings.gs1_company_prefix,
            origin=settings.edge_identifier,
            drain_timeout_s=settings.drain_timeout_s,
        )

    async def _trim(self) -> None:
        kept_us = int(self.settings.log_retention_h * 3_600_000_000)
        async with self.services.transactions.begin(system_actor("log-trim", 0)) as work:
            await eventlog.trim(work.session, self.clock.now_us() - kept_us)

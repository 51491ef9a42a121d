"""What an edge and a factory have in common: a database with its log, a bus, identity."""

from collections.abc import Mapping
from contextlib import AsyncExitStack
from dataclasses import dataclass, field
from importlib.metadata import version

from domain.identity import operations as identity
from domain.identity.oauth.ports import OAuthServices
from domain.identity.ports import IdentityServices, TokenKind
from domain.identity.rows import CustomerRow
from domain.journal import audit
from domain.kernel.actor import system_actor
from domain.kernel.checkpoints import Checkpointer
from domain.kernel.clock import Clock, SystemClock
from domain.kernel.database import Database
from domain.kernel.fanout import Fanout
from domain.kernel.tail import LogTail
from domain.kernel.uow import Transactions, UnitOfWork
from domain.production.codes import ProfileCatalogue
from domain.production.operations.scans import ScanIntake, SiteCodes
from domain.production.repository.scan_store import ScanStore
from domain.production.repository.scan_store_postgres import PostgresScanStore
from domain.production.repository.scan_store_sqlite import SqliteScanStore
from drivers.bus.wakeups import WakeUpBus
from drivers.identity.actors import ActorSource, Tokens, UserSource
from drivers.identity.api_keys import StoredKeys
from drivers.identity.keys import KeyRing
from drivers.identity.macs import FileMacs
from drivers.identity.passwords import Argon2Passwords
from drivers.identity.throttle import Throttle, ThrottleSettings
from drivers.identity.tokens import TokenSettings
from drivers.rates import Rates
from graph.context import Build
from graph.engine import STREAM_SOURCES
from graph.streams import Streams
from migrations import upgrade
from oktograph.background import background
from oktograph.ownership import owned
from oktograph.settings import Settings


@dataclass(slots=True)
class Core:
    """Everything in it is started; the stack it was opened with takes it down again."""

    settings: Settings
    clock: Clock
    database: Database
    tail: LogTail
    bus: WakeUpBus
    transactions: Transactions
    fanout: Fanout
    streams: Streams
    passwords: Argon2Passwords
    macs: FileMacs
    customer: CustomerRow
    build: Build
    first_password: str | None = field(default=None, repr=False)
    """Of the administrator made at the very first start; shown once, kept nowhere."""

    def identity(
        self,
        stack: AsyncExitStack,
        sources: Mapping[TokenKind, ActorSource] | None = None,
        oauth: OAuthServices | None = None,
    ) -> IdentityServices:
        """`sources` are for tokens of others than users."""
        settings = self.settings
        tokens = Tokens(
            KeyRing(settings.keys),
            TokenSettings(
                user_lifetime_s=int(settings.token_lifetime_h * 3600),
                access_lifetime_s=settings.access_token_lifetime_s,
                public_url=settings.public_url,
            ),
            self.clock,
            {TokenKind.USER: UserSource(self.database), **(sources or {})},
            api_keys=StoredKeys(self.transactions, self.macs),
        )
        stack.callback(tokens.follow(self.tail))
        throttle = Throttle(
            ThrottleSettings(settings.rate_limits, settings.counters_url), self.clock
        )
        stack.push_async_callback(throttle.close)
        return IdentityServices(self.passwords, tokens, throttle, self.macs, oauth)

    def rates(self, stack: AsyncExitStack) -> Rates:
        """How often whom calls which of the old APIs, counted by all processes together."""
        settings = self.settings
        rates = Rates(settings.counters_url, self.clock, enabled=settings.rate_limits)
        stack.push_async_callback(rates.close)
        return rates

    def intake(self, stack: AsyncExitStack) -> ScanIntake:
        """This process's one writer of scans."""
        catalogue = ProfileCatalogue()
        if self.settings.code_profiles:
            catalogue = catalogue.with_user_profiles(self.settings.code_profiles)
        store: ScanStore = (
            SqliteScanStore(self.database)
            if self.database.is_sqlite
            else PostgresScanStore(self.database)
        )
        codes = SiteCodes(catalogue, self.settings.industry, self.clock)
        scans = ScanIntake(store, codes, self.clock, self.bus)
        stack.push_async_callback(scans.close)
        return scans


async def open_core(
    settings: Settings, stack: AsyncExitStack, database_url: str, owner: str, *, worker: int = 0
) -> Core:
    """`owner` names what may run once on this data directory; of several processes that share it
    each `worker` may."""
    settings.data_dir.mkdir(mode=0o700, parents=True, exist_ok=True)
    name = owner if worker == 0 else f"{owner}-{worker}"
    stack.enter_context(owned(settings.data_dir, name))
    clock = SystemClock()
    database = Database(database_url)
    stack.push_async_callback(database.close)
    await upgrade(database)
    if database.is_sqlite:
        stack.push_async_callback(background(Checkpointer(database).run, "checkpoints"))
    tail = LogTail(database)
    await tail.start()
    stack.push_async_callback(tail.stop)
    bus = WakeUpBus(settings.broadcast_url, tail.wake, namespace=tail.log_id)
    await bus.start()
    stack.push_async_callback(bus.close)
    transactions = Transactions(database, clock, bus, [audit.witness])
    fanout = Fanout(tail)
    stack.push_async_callback(fanout.close)
    passwords = Argon2Passwords()
    stack.callback(passwords.close)
    async with transactions.begin(system_actor("bootstrap", 0)) as work:
        customer = await identity.ensure_customer(work, "Default")
    core = Core(
        settings=settings,
        clock=clock,
        database=database,
        tail=tail,
        bus=bus,
        transactions=transactions,
        fanout=fanout,
        streams=Streams(fanout, STREAM_SOURCES),
        passwords=passwords,
        macs=FileMacs.in_folder(settings.keys),
        customer=customer,
        build=Build(version("oktograph"), clock.now_us()),
    )
    await _accounts(core)
    return core


async def _accounts(core: Core) -> None:
    async with core.transactions.begin(system_actor("bootstrap", core.customer.id)) as work:
        if core.settings.demo:
            await identity.ensure_demo_accounts(work, core.passwords)
        else:
            await identity.retire_demo_accounts(work)
            await _first_start(core, work)


async def _first_start(core: Core, work: UnitOfWork) -> None:
    """A password that came by the environment is known to whoever set it: not shown."""
    secret = core.settings.bootstrap_password
    given = None if secret is None else secret.get_secret_value()
    made = await identity.first_start_admin(work, core.passwords, given)
    if made is not None and given is None:
        core.first_password = made.password

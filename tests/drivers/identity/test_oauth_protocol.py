"""Authlib's server behind our bridge: whatever comes, it decides, refuses, and asks no more than it
has to."""

import asyncio
import logging
from base64 import b64encode
from collections import Counter
from typing import Any, TypeVar

import pytest
from hypothesis import given
from hypothesis import strategies as st

from domain.identity.oauth import rules
from domain.identity.oauth.models import GrantType
from domain.identity.oauth.ports import (
    ClientRefused,
    FoundToken,
    OAuthRefused,
    OAuthRequest,
)
from domain.identity.oauth.rows import ClientCredentialRow, ClientRow, GrantRow, RefreshRow
from domain.identity.rows import UserRow
from domain.kernel.ids import new_id
from domain.kernel.permissions import Role
from drivers.identity.macs import FileMacs
from drivers.identity.oauth.facts import Facts
from drivers.identity.oauth.protocol import AuthlibProtocol
from tests.support.clocks import START_US, ManualClock
from tests.support.oauth import BOTH, EVERYTHING, ISSUER, basic

Found = TypeVar("Found")

SECRET = "a secret"
PASSWORD = "a password"
FRESH = "not-used-before"
CLIENT = ClientRow(
    id=new_id(),
    customer_id=1,
    client_id="known",
    name="Known",
    scopes=EVERYTHING,
    grant_types=rules.stored_words(BOTH),
    generation=0,
    created_at_us=0,
    created_by="test",
    secret_changed_at_us=0,
    disabled_at_us=None,
    is_demo=False,
    customer_public_id=new_id(),
)
USER = UserRow(new_id(), 1, "ann", "Ann", Role.ADMIN, 0, None, 3, False, CLIENT.customer_public_id)
GRANT = GrantRow(new_id(), 1, CLIENT.id, USER.id, 3, "endpoint:read", 0, START_US * 2, None, None)
REFRESH = RefreshRow(new_id(), 0, START_US * 2, None, GRANT, USER)


class Known:
    """Lookups on one client, one user, one refresh token; `asked` counts."""

    def __init__(self, macs: FileMacs) -> None:
        self.asked: Counter[str] = Counter()
        self._credential = ClientCredentialRow(CLIENT, macs.of(rules.PURPOSE, SECRET))

    async def client(self, client_id: str) -> ClientCredentialRow | None:
        return await self._found("client", self._credential if client_id == "known" else None)

    async def user(self, client: ClientRow, username: str, password: str) -> UserRow | None:
        assert client == CLIENT
        right = (username, password) == ("ann", PASSWORD)
        return await self._found("user", USER if right else None)

    async def refresh_token(self, token: str) -> RefreshRow | None:
        return await self._found("refresh", REFRESH if token == FRESH else None)

    async def token(self, token: str) -> FoundToken | None:
        about = {"sub": "ann"}
        known = FoundToken("known", CLIENT.customer_public_id, about, "id", 1)
        return await self._found("token", known if token == "good" else None)

    async def _found(self, what: str, found: Found) -> Found:
        await asyncio.sleep(0)
        self.asked[what] += 1
        return found


@pytest.fixture(scope="module")
def macs(tmp_path_factory: pytest.TempPathFactory) -> FileMacs:
    return FileMacs.in_folder(tmp_path_factory.mktemp("keys"))


@pytest.fixture
def protocol(macs: FileMacs) -> AuthlibProtocol:
    return AuthlibProtocol(macs, ManualClock())


def request(header: str | None = None, **form: str) -> OAuthRequest:
    return OAuthRequest(form, header, ISSUER, "")


OWN = basic("known", SECRET)


async def test_a_decision_names_what_may_be_issued(
    protocol: AuthlibProtocol, macs: FileMacs
) -> None:
    lookups = Known(macs)
    found = await protocol.token(request(OWN, grant_type="client_credentials"), lookups)
    assert (found.client, found.user, found.shown) == (CLIENT, None, None)
    assert found.scopes == found.granted == EVERYTHING
    who = {"username": "ann", "password": PASSWORD}
    found = await protocol.token(
        request(OWN, grant_type="password", scope="endpoint:read", **who), lookups
    )
    assert (found.user, found.scopes, found.granted) == (USER, "endpoint:read", "endpoint:read")
    shown = request(OWN, grant_type="refresh_token", refresh_token=FRESH)
    found = await protocol.token(shown, lookups)
    assert (found.user, found.shown, found.granted) == (USER, REFRESH, "endpoint:read")


async def test_each_fact_is_asked_for_once(protocol: AuthlibProtocol, macs: FileMacs) -> None:
    lookups = Known(macs)
    who = {"username": "ann", "password": PASSWORD}
    await protocol.token(request(OWN, grant_type="password", **who), lookups)
    assert lookups.asked == {"client": 1, "user": 1}


async def test_the_form_may_hold_the_secret_instead(
    protocol: AuthlibProtocol, macs: FileMacs
) -> None:
    posted = {"client_id": "known", "client_secret": SECRET}
    ask = request(grant_type="client_credentials", **posted)
    assert (await protocol.token(ask, Known(macs))).client == CLIENT
    bearer = request("Bearer of-something", grant_type="client_credentials", **posted)
    assert (await protocol.token(bearer, Known(macs))).client == CLIENT


async def test_nobody_s_password_is_asked_for_before_the_client_is_known(
    protocol: AuthlibProtocol, macs: FileMacs
) -> None:
    lookups = Known(macs)
    who = {"username": "ann", "password": PASSWORD}
    for header in (basic("known", "wrong"), basic("other", SECRET), None):
        with pytest.raises(ClientRefused):
            await protocol.token(request(header, grant_type="password", **who), lookups)
    assert lookups.asked["user"] == 0


async def test_many_at_once_do_not_meet(protocol: AuthlibProtocol, macs: FileMacs) -> None:
    scopes = EVERYTHING.split()
    lookups = Known(macs)
    found = await asyncio.gather(
        *(
            protocol.token(
                request(OWN, grant_type="client_credentials", scope=scopes[turn % 4]), lookups
            )
            for turn in range(40)
        )
    )
    assert [one.scopes for one in found] == [scopes[turn % 4] for turn in range(40)]


async def test_a_caller_who_hangs_up_stops_it(protocol: AuthlibProtocol, macs: FileMacs) -> None:
    class Slow(Known):
        async def client(self, client_id: str) -> ClientCredentialRow | None:
            await asyncio.Event().wait()
            return None

    asked = protocol.token(request(OWN, grant_type="client_credentials"), Slow(macs))
    with pytest.raises(TimeoutError):
        await asyncio.wait_for(asked, 0.01)


async def test_the_library_s_log_holds_no_token_and_no_secret(
    protocol: AuthlibProtocol, macs: FileMacs, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.DEBUG)
    who = {"username": "ann", "password": PASSWORD}
    await protocol.token(request(OWN, grant_type="password", **who), Known(macs))
    shown = request(OWN, grant_type="refresh_token", refresh_token=FRESH)
    await protocol.token(shown, Known(macs))
    assert caplog.text
    for secret in (SECRET, PASSWORD, FRESH, OWN.partition(" ")[2]):
        assert secret not in caplog.text


async def test_facts_are_fetched_and_the_judge_runs_again() -> None:
    facts, runs = Facts(), []

    async def fetch(value: int) -> int:
        return value

    def judge() -> int:
        runs.append(1)
        return facts.get("a", lambda: fetch(1)) + facts.get("b", lambda: fetch(2))

    assert await facts.decided(judge) == 3
    assert len(runs) == 3


NAMES = st.sampled_from(
    [
        *("grant_type", "scope", "username", "password", "refresh_token", "client_id"),
        *("client_secret", "token", "token_type_hint", "code", "redirect_uri", "state"),
    ]
)
WORDS = st.sampled_from(
    [
        *(*map(str, GrantType), "refresh_token", "known", SECRET, "ann", PASSWORD, FRESH),
        *("good", "endpoint:read", EVERYTHING, "authorization_code", "implicit", "access_token"),
    ]
) | st.text(max_size=40)
HEADERS = (
    st.none()
    | st.just(OWN)
    | st.text(max_size=60)
    | st.text(max_size=40).map(lambda text: f"Basic {text}")
    | st.binary(max_size=40).map(lambda raw: "Basic " + b64encode(raw).decode())
)


@given(st.dictionaries(NAMES, WORDS, max_size=6), HEADERS)
def test_whatever_comes_is_decided_or_refused(form: dict[str, str], header: str | None) -> None:
    macs = FileMacs(b"k" * 32)
    protocol = AuthlibProtocol(macs, ManualClock())
    asked = OAuthRequest({name: word for name, word in form.items() if word}, header, ISSUER, "")

    async def ask() -> list[Any]:
        judges = (protocol.token, protocol.revocation, protocol.introspection)
        answers: list[Any] = await asyncio.gather(
            *(judge(asked, Known(macs)) for judge in judges), return_exceptions=True
        )
        return answers

    for answer in asyncio.run(ask()):
        assert not isinstance(answer, Exception) or isinstance(answer, OAuthRefused | ClientRefused)
        if isinstance(answer, OAuthRefused):
            assert answer.message.isascii()
            assert answer.error.isascii()

"""Tokens: what is good, what any service can verify, and what is refused."""

import base64
import hashlib
import hmac
import json
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from joserfc import jwt
from joserfc.jwk import ECKey, KeySet, OctKey, RSAKey
from joserfc.jwt import JWTClaimsRegistry

from domain.identity.ports import TokenClaims, TokenKind
from domain.kernel.clock import SECOND_US
from domain.kernel.errors import Unauthorized
from domain.kernel.ids import new_id
from drivers.identity.keys import KeyRing
from drivers.identity.tokens import JwtCodec, TokenSettings
from tests.support.clocks import START_US, ManualClock

SETTINGS = TokenSettings()
HOUR_US = 3600 * SECOND_US


@pytest.fixture(scope="module")
def ring(tmp_path_factory: pytest.TempPathFactory) -> KeyRing:
    return KeyRing(tmp_path_factory.mktemp("keys"))


@pytest.fixture
def codec(ring: KeyRing, clock: ManualClock) -> JwtCodec:
    return JwtCodec(ring, SETTINGS, clock)


def claims(**changes: Any) -> TokenClaims:
    values: dict[str, Any] = {
        "kind": TokenKind.USER,
        "subject": new_id(),
        "name": "operator",
        "customer": new_id(),
        "role": "OPERATOR",
        "generation": 3,
        "token_id": new_id(),
        "issued_at_us": START_US,
        "expires_at_us": START_US + HOUR_US,
    }
    return TokenClaims(**values | changes)


def b64(content: bytes) -> str:
    return base64.urlsafe_b64encode(content).rstrip(b"=").decode()


def parts(token: str) -> tuple[dict[str, Any], dict[str, Any], str]:
    header, payload, signature = token.split(".")
    return _opened(header), _opened(payload), signature


def _opened(part: str) -> dict[str, Any]:
    found: dict[str, Any] = json.loads(base64.urlsafe_b64decode(part + "=="))
    return found


def signed(ring: KeyRing, header: dict[str, Any], payload: dict[str, Any]) -> str:
    """Really signed with our key: only what it says is wrong."""
    base = {"alg": "ES256", "kid": ring.signing_key.kid, "typ": "at+jwt"}
    return jwt.encode(base | header, payload, ring.signing_key, algorithms=["ES256"])


def refused(codec: JwtCodec, token: str) -> Unauthorized:
    with pytest.raises(Unauthorized) as caught:
        codec.read(token)
    return caught.value


def test_what_was_signed_comes_back(codec: JwtCodec) -> None:
    for original in (claims(), claims(kind=TokenKind.DEVICE, role=None)):
        assert codec.read(codec.sign(original)) == original


def test_any_service_can_verify_with_the_published_keys(codec: JwtCodec, ring: KeyRing) -> None:
    published = KeySet.import_key_set(json.loads(json.dumps(ring.jwks())))
    original = claims()
    opened = jwt.decode(codec.sign(original), published, algorithms=["ES256"])
    JWTClaimsRegistry(
        now=START_US // SECOND_US,
        iss={"essential": True, "value": "oktograph"},
        aud={"essential": True, "value": "oktograph"},
        exp={"essential": True},
    ).validate(opened.claims)
    assert opened.header["typ"] == "at+jwt"
    assert opened.claims["sub"] == original.subject
    assert set(opened.claims) == {
        *("iss", "aud", "sub", "client_id", "iat", "exp", "jti"),
        *("kind", "username", "customer", "gen", "role"),
    }


def test_a_token_dies_on_its_second_and_says_so(codec: JwtCodec, clock: ManualClock) -> None:
    token = codec.sign(claims())
    clock.advance(3599.999)
    codec.read(token)
    clock.advance(0.001)
    assert refused(codec, token).details == {"reason": "expired"}


def test_a_token_of_the_future_is_refused_beyond_the_leeway(codec: JwtCodec, ring: KeyRing) -> None:
    codec.read(codec.sign(claims(issued_at_us=START_US + 30 * SECOND_US)))
    refused(codec, codec.sign(claims(issued_at_us=START_US + 31 * SECOND_US)))
    _, payload, _ = parts(codec.sign(claims()))
    codec.read(signed(ring, {}, payload | {"nbf": START_US // SECOND_US}))
    refused(codec, signed(ring, {}, payload | {"nbf": START_US // SECOND_US + 31}))


def test_no_algorithm_opens_nothing(codec: JwtCodec) -> None:
    header, payload, signature = parts(codec.sign(claims()))
    for name in ("none", "None", "NONE", "nOnE", ""):
        start = b64(json.dumps(header | {"alg": name}).encode()) + "."
        start += b64(json.dumps(payload).encode())
        refused(codec, f"{start}.")
        refused(codec, f"{start}.{signature}")


def test_a_published_key_is_no_shared_secret(codec: JwtCodec, ring: KeyRing) -> None:
    """The classic confusion: HS256 with the bytes of the public key as the secret."""
    header, payload, _ = parts(codec.sign(claims()))
    public = ring.signing_key.as_pem(private=False)
    jwk = json.dumps(ring.jwks()["keys"][0]).encode()
    for secret in (public, public.strip(), jwk, b""):
        start = b64(json.dumps(header | {"alg": "HS256"}).encode()) + "."
        start += b64(json.dumps(payload).encode())
        mac = hmac.new(secret, start.encode(), hashlib.sha256).digest()
        refused(codec, f"{start}.{b64(mac)}")


def test_other_algorithms_and_keys_are_refused(codec: JwtCodec, ring: KeyRing) -> None:
    header, payload, _ = parts(codec.sign(claims()))
    others = (
        ("ES256", ECKey.generate_key("P-256")),
        ("ES384", ECKey.generate_key("P-384")),
        ("RS256", RSAKey.generate_key(2048)),
        ("HS256", OctKey.generate_key(256)),
    )
    for algorithm, key in others:
        forged = jwt.encode(header | {"alg": algorithm}, payload, key, algorithms=[algorithm])
        refused(codec, forged)


def test_a_key_that_the_token_brings_along_is_not_used(codec: JwtCodec, ring: KeyRing) -> None:
    _, payload, _ = parts(codec.sign(claims()))
    mine = ECKey.generate_key("P-256")
    brought = {"alg": "ES256", "typ": "at+jwt", "jwk": mine.as_dict(private=False)}
    for header in (brought, brought | {"kid": ring.signing_key.kid}):
        refused(codec, jwt.encode(header, payload, mine, algorithms=["ES256"]))


@pytest.mark.parametrize("kid", [None, "", "0" * 32, "../keys/other", 7, ["a"], {"a": 1}])
def test_other_key_ids_are_refused(codec: JwtCodec, kid: object) -> None:
    header, payload, signature = parts(codec.sign(claims()))
    changed = header | {"kid": kid} if kid is not None else {"alg": "ES256", "typ": "at+jwt"}
    start = b64(json.dumps(changed).encode()) + "." + b64(json.dumps(payload).encode())
    refused(codec, f"{start}.{signature}")


def test_every_changed_bit_of_the_content_is_noticed(codec: JwtCodec) -> None:
    header, payload, signature = parts(codec.sign(claims()))
    for name, value in (("role", "ADMIN"), ("sub", new_id()), ("exp", 2**40), ("gen", 9)):
        start = b64(json.dumps(header).encode()) + "."
        start += b64(json.dumps(payload | {name: value}).encode())
        refused(codec, f"{start}.{signature}")


WRONG_CLAIMS: list[dict[str, Any]] = [
    {"iss": "somebody"},
    {"iss": None},
    {"iss": ["oktograph"]},
    {"aud": "something-else"},
    {"aud": []},
    {"aud": {"oktograph": 1}},
    {"sub": 5},
    {"sub": None},
    {"kind": "root"},
    {"kind": None},
    {"exp": "2099"},
    {"exp": True},
    {"exp": None},
    {"exp": float("inf")},
    {"iat": None},
    {"gen": "0"},
    {"nbf": "soon"},
    {"role": {"ADMIN": True}},
    {"customer": 1},
    {"jti": None},
]


@pytest.mark.parametrize("change", WRONG_CLAIMS, ids=str)
def test_claims_that_we_never_write_are_refused(
    codec: JwtCodec, ring: KeyRing, change: dict[str, Any]
) -> None:
    _, payload, _ = parts(codec.sign(claims()))
    refused(codec, signed(ring, {}, payload | change))


@pytest.mark.parametrize("name", ["iss", "aud", "sub", "exp", "iat", "jti", "kind", "gen"])
def test_every_claim_is_needed(codec: JwtCodec, ring: KeyRing, name: str) -> None:
    _, payload, _ = parts(codec.sign(claims()))
    del payload[name]
    refused(codec, signed(ring, {}, payload))


def test_another_type_of_jwt_is_no_access_token(codec: JwtCodec, ring: KeyRing) -> None:
    _, payload, _ = parts(codec.sign(claims()))
    for other in ("JWT", "id+jwt", "logout+jwt", ""):
        refused(codec, signed(ring, {"typ": other}, payload))


def test_our_audience_among_several_is_enough(codec: JwtCodec, ring: KeyRing) -> None:
    _, payload, _ = parts(codec.sign(claims()))
    codec.read(signed(ring, {}, payload | {"aud": ["elsewhere", "oktograph"]}))


def test_oversize_is_refused_unread(codec: JwtCodec, ring: KeyRing) -> None:
    _, payload, _ = parts(codec.sign(claims()))
    refused(codec, signed(ring, {}, payload | {"padding": "x" * 4096}))
    refused(codec, "a" * 10_000_000)


def test_tokens_of_a_rotated_key_stay_good(tmp_path: Path, clock: ManualClock) -> None:
    ring = KeyRing(tmp_path / "keys")
    codec = JwtCodec(ring, SETTINGS, clock)
    old = codec.sign(claims())
    ring.rotate()
    new = codec.sign(claims())
    assert parts(old)[0]["kid"] != parts(new)[0]["kid"]
    codec.read(old)
    codec.read(new)


def test_tokens_of_another_installation_are_refused(
    tmp_path: Path, codec: JwtCodec, clock: ManualClock
) -> None:
    refused(codec, JwtCodec(KeyRing(tmp_path / "keys"), SETTINGS, clock).sign(claims()))


SEGMENT = st.one_of(
    st.binary(max_size=80).map(b64),
    st.recursive(
        st.none() | st.booleans() | st.integers() | st.text(max_size=8),
        lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(), inner, max_size=3),
        max_leaves=6,
    ).map(lambda value: b64(json.dumps(value).encode())),
    st.fixed_dictionaries(
        {"alg": st.sampled_from(["ES256", "none", "HS256", "RSA-OAEP", 1, None])},
        optional={
            "kid": st.text(max_size=40) | st.integers(),
            "typ": st.just("at+jwt"),
            "crit": st.lists(st.text(max_size=4), max_size=2) | st.integers(),
            "b64": st.booleans(),
        },
    ).map(lambda value: b64(json.dumps(value).encode())),
)


@given(st.text(max_size=200) | st.lists(SEGMENT, max_size=6).map(".".join))
def test_whatever_comes_it_is_refused_and_nothing_else_happens(ring: KeyRing, token: str) -> None:
    refused(JwtCodec(ring, SETTINGS, ManualClock()), token)


def test_deep_nesting_is_refused(codec: JwtCodec, ring: KeyRing) -> None:
    deep = b64(b"[" * 1400 + b"]" * 1400)
    refused(codec, f"{deep}.{deep}.{deep}"[:4096])
    header, _, signature = parts(codec.sign(claims()))
    refused(codec, f"{b64(json.dumps(header).encode())}.{deep[:3000]}.{signature}")

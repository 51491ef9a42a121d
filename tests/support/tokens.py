"""Tokens that are none, and tokens of programs."""

from joserfc import jwt
from joserfc.jwk import ECKey

from tests.support.clients import Client
from tests.support.factory import FactoryServer

CREATE_CLIENT = """mutation ($input: CreateOAuthClientInput!) { createOAuthClient(input: $input) {
  secret client { clientId } } }"""


def forged(token: str) -> list[str]:
    """With what a good one would say."""
    head, payload, signature = token.split(".")
    claims = {"sub": "0" * 32, "role": "ADMIN", "kind": "user", "exp": 4_000_000_000}
    other = jwt.encode({"alg": "ES256"}, claims, ECKey.generate_key("P-256"), algorithms=["ES256"])
    unsigned = "eyJhbGciOiJub25lIn0." + payload + "."
    return ["nonsense", f"{head}.{payload}.{signature[:-4]}AAAA", unsigned, other]


async def program(factory: FactoryServer, *scopes: str) -> Client:
    """With a token of a client that was given these."""
    admin = await factory.logged_in("admin")
    given = {"name": " ".join(scopes)[:100], "scopes": list(scopes)}
    made = (await admin.ask(CREATE_CLIENT, input=given))["createOAuthClient"]
    account = (made["client"]["clientId"], made["secret"])
    form = {"grant_type": "client_credentials"}
    answer = await factory.client().http.post("/oauth2/token", data=form, auth=account)
    assert answer.status_code == 200, answer.text
    return factory.client(answer.json()["access_token"])

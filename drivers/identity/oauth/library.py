"""Our rows as Authlib wants to see them."""

import hmac
from collections.abc import Mapping
from typing import Any, Final

from authlib.oauth2.rfc6749 import ClientMixin, OAuth2Payload, OAuth2Request, TokenMixin

from domain.identity.oauth import rules
from domain.identity.oauth.ports import FoundToken
from domain.identity.oauth.rows import ClientCredentialRow, ClientRow, RefreshRow
from domain.identity.ports import SecretMacs

AUTH_METHODS: Final = ["client_secret_basic", "client_secret_post"]
# Where TLS ends is the operator's business; the library wants to see it.
URI: Final = "https://oauth/"


class Payload(OAuth2Payload):
    """The form."""

    def __init__(self, form: dict[str, str]) -> None:
        self._form = form

    @property
    def data(self) -> dict[str, str]:
        return self._form

    @property
    def datalist(self) -> dict[str, list[str]]:
        return {name: [value] for name, value in self._form.items()}


class Request(OAuth2Request):
    """One POST to one of the endpoints; `authorization` is Basic and well-formed."""

    def __init__(self, form: Mapping[str, str], authorization: str | None = None) -> None:
        headers = {} if authorization is None else {"Authorization": authorization}
        super().__init__("POST", URI, headers=headers)
        self.payload = Payload(dict(form))

    @property
    def form(self) -> dict[str, str]:
        return self.payload.data


class Client(ClientMixin):
    """A client, or nobody: one who is not known or is disabled fails where a wrong secret does,
    so that nothing tells which it was."""

    def __init__(self, found: ClientCredentialRow | None, macs: SecretMacs) -> None:
        self._found = found
        self._macs = macs

    @property
    def row(self) -> ClientRow:
        if self._found is None:
            raise LookupError("nobody")
        return self._found.client

    def get_client_id(self) -> str:
        return self.row.client_id

    def check_client_secret(self, client_secret: str) -> bool:
        shown = self._macs.of(rules.PURPOSE, client_secret)
        stored = "" if self._found is None else self._found.secret_mac
        is_open = self._found is not None and self._found.client.disabled_at_us is None
        return hmac.compare_digest(shown, stored) and is_open

    def check_endpoint_auth_method(self, method: str, endpoint: str) -> bool:
        return method in AUTH_METHODS

    def check_grant_type(self, grant_type: str) -> bool:
        return rules.may_ask_by(self.row, grant_type)


class RefreshToken(TokenMixin):
    """Whether it is still good is asked by its grant, in one place."""

    def __init__(self, row: RefreshRow) -> None:
        self.row = row

    def check_client(self, client: Client) -> bool:
        return self.row.grant.client_row_id == client.row.id

    def get_scope(self) -> str:
        return self.row.grant.scopes


class Token(TokenMixin):
    """What was found for a token that is good right now."""

    def __init__(self, found: FoundToken) -> None:
        self.found = found

    def check_client(self, client: Client) -> bool:
        return self.found.client_id == client.row.client_id

    def is_expired(self) -> bool:
        return False

    def is_revoked(self) -> bool:
        return False

    def about(self) -> dict[str, Any]:
        return dict(self.found.about)

"""Every documented route as it is called by every kind of caller, from data alone: who may is in
oktograph/contracts/access.csv, how to call in tests/parity/requests.toml."""

import json
import re
import tomllib
from dataclasses import dataclass, field
from functools import cache
from pathlib import Path
from typing import Any, Final

import httpx2

from oktograph.contracts.access import DEVICE, PUBLIC, SOCKET, Route, routes
from oktograph.contracts.descriptions import FACES, descriptions
from tests.support.clients import Json
from tests.support.edge import Edge
from tests.support.factory import FactoryServer
from tests.support.samples import sample

REQUESTS: Final[Json] = tomllib.loads(
    (Path(__file__).parents[1] / "parity" / "requests.toml").read_text()
)
DIALECTS: Final[Json] = REQUESTS["dialects"]
THERE: Final = frozenset(face.dialect.name for face in FACES)
"""The dialects that are served: a table may know of others that are not yet."""
NOBODY: Final = 401
REFUSED: Final = 403
WRONG: Final = 400
DEFECT: Final = 500
Place = Edge | FactoryServer


def of_service(service: str) -> list[Route]:
    """Without the sockets."""
    return [
        one
        for one in routes()
        if one.dialect in THERE
        and one.method != SOCKET
        and DIALECTS[one.dialect]["service"] == service
    ]


def in_order(some: list[Route]) -> list[Route]:
    """What takes away what others ask for goes last."""
    return sorted(some, key=lambda one: one.method == "DELETE")


@cache
def _document(dialect: str) -> Json:
    found: Json = json.loads(descriptions()[f"openapi/{dialect}.json"])
    return found


@dataclass
class Stage:
    """A place with all that was arranged in it."""

    place: Place
    service: str
    http: httpx2.AsyncClient
    saved: dict[str, str] = field(default_factory=dict)

    @classmethod
    async def of(cls, place: Place, service: str) -> "Stage":
        stage = cls(place, service, place.client().http)
        stage.saved["customer"] = place.runtime.core.customer.public_id
        admin = (await place.logged_in("admin")).token
        known = {one.name: one for one in of_service(service)}
        for step in REQUESTS["arrange"]:
            if step["route"] in known:
                token = stage._filled(step["token"]) if "token" in step else admin
                answer = await stage.send(known[step["route"]], token, step)
                assert answer.is_success, (step, answer.text)
                for name, where in step.get("save", {}).items():
                    stage.saved[name] = _found(answer.json(), where)
        return stage

    async def send(
        self, route: Route, token: str | None, given: Json | None = None
    ) -> httpx2.Response:
        told: Json = REQUESTS["requests"].get(route.name, {}) if given is None else given
        speaks = DIALECTS[route.dialect]
        path = self._path(route, told) + (f"?{told['query']}" if "query" in told else "")
        headers = {} if token is None else {speaks["header"]: f"{speaks['scheme']}{token}"}
        headers |= told.get("headers", {})
        if "content" in told:
            content = told["content"].encode()
            return await self.http.request(route.method, path, content=content, headers=headers)
        if "file" in told:
            files = {"file": (told["file"]["name"], told["file"]["content"].encode())}
            return await self.http.request(route.method, path, files=files, headers=headers)
        body = self._filled(told["body"]) if "body" in told else _sample(route)
        extra: Json = {} if body is None else {"json": body}
        return await self.http.request(route.method, path, headers=headers, **extra)

    def _path(self, route: Route, told: Json) -> str:
        values = DIALECTS[route.dialect]["values"] | told.get("values", {})

        def filled(match: re.Match[str]) -> str:
            return str(self._filled(values[match[1]]))

        prefix: str = DIALECTS[route.dialect]["prefix"]
        return prefix + re.sub(r"\{(\w+)\}", filled, route.path)

    def _filled(self, value: Any) -> Any:
        if isinstance(value, str):
            return re.sub(r"\{(\w+)\}", lambda match: self.saved[match[1]], value)
        if isinstance(value, list):
            return [self._filled(one) for one in value]
        if isinstance(value, dict):
            return {name: self._filled(one) for name, one in value.items()}
        return value

    def is_refused(self, route: Route, answer: httpx2.Response) -> bool:
        """Because of who asks."""
        return answer.status_code in (NOBODY, refused_status(route))

    async def refuses(
        self, some: list[Route], token: str | None, status: int | None = None
    ) -> None:
        """Each of them; and nothing is otherwise than before. By default the status is that of
        the route for who may not."""
        before = await self.place.contents()
        found = [why for one in some for why in await self.lets_in(one, token, status)]
        assert not found, "\n".join(found)
        assert await self.place.contents() == before

    async def lets(self, some: list[Route], token: str | None) -> None:
        """Each of them goes through."""
        found = [why for one in in_order(some) for why in await self.keeps_out(one, token)]
        assert not found, "\n".join(found)

    async def lets_in(
        self, route: Route, token: str | None, status: int | None = None
    ) -> list[str]:
        """What is wrong with its refusal: the status, or its dialect's own shape."""
        answer = await self.send(route, token)
        is_json = answer.headers.get("content-type") == "application/json"
        shape = set(DIALECTS[route.dialect]["refusal"])
        if answer.status_code != (status or refused_status(route)) or not is_json:
            return [say(route, answer)]
        return [] if answer.json().keys() <= shape else [say(route, answer)]

    async def keeps_out(self, route: Route, token: str | None) -> list[str]:
        """What is wrong with its answer: a refusal of who asks, or of a body that is none, so that
        nobody knows whether they may. That there is no such thing may be."""
        answer = await self.send(route, token)
        may_be = REQUESTS["requests"].get(route.name, {}).get("answers", [])
        wrong = {NOBODY, refused_status(route), WRONG, DEFECT} - set(may_be)
        return [say(route, answer)] if answer.status_code in wrong else []


def refused_status(route: Route) -> int:
    told = REQUESTS["requests"].get(route.name, {})
    return int(told.get("refused", DIALECTS[route.dialect].get("refused", REFUSED)))


def say(route: Route, answer: httpx2.Response) -> str:
    return f"{route.name}: {answer.status_code} {answer.text[:300]}"


def is_public(route: Route) -> bool:
    return route.who == PUBLIC


def is_for_devices(route: Route) -> bool:
    return route.who == DEVICE


def _sample(route: Route) -> Any:
    """None where the route takes no body."""
    document = _document(route.dialect)
    operation = document["paths"][route.path].get(route.method.lower(), {})
    if "requestBody" not in operation:
        return None
    [schema] = [one["schema"] for one in operation["requestBody"]["content"].values()]
    return sample(schema, document)


def _found(body: Any, where: str) -> str:
    for part in where.split("."):
        body = body[int(part)] if isinstance(body, list) else body[part]
    return str(body)

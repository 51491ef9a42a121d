"""A dialect's plain calls, answered without a search for their route.

FastAPI holds every request against the routes of every router, twice, and solves its dependencies
anew: for a scan that is half of all the work. A route with a fixed path that takes its caller and
at most one body needs neither. Whatever does not parse is handed to FastAPI as it came, so that
refusals are worded in one place.
"""

from collections.abc import Awaitable, Callable, Iterator, Sequence
from dataclasses import dataclass
from functools import cache
from inspect import iscoroutinefunction
from typing import Any, Final, cast, get_type_hints

from fastapi import FastAPI
from fastapi.dependencies.models import Dependant
from fastapi.params import Body
from fastapi.routing import APIRoute
from pydantic import TypeAdapter
from pydantic_core import from_json
from starlette.requests import HTTPConnection
from starlette.responses import Response
from starlette.types import Message, Receive, Scope, Send

from compat_rest.kernel.auth import Authenticate
from compat_rest.kernel.dialect import Dialect, dialect_app
from compat_rest.kernel.errors import ErrorPresenter
from domain.kernel.errors import DomainError

JSON: Final = b"application/json"


@dataclass(frozen=True, slots=True)
class DirectCall:
    """A route, taken apart. `body_name` is empty where it takes no body."""

    route: APIRoute
    endpoint: Callable[..., Awaitable[Response]]
    caller_name: str
    authenticate: Authenticate
    body_name: str = ""
    body_type: TypeAdapter[Any] | None = None


class DirectCalls:
    """Stands before the dialect's FastAPI app, inside the bound on bodies."""

    def __init__(self, app: FastAPI, routes: Sequence[APIRoute], errors: ErrorPresenter) -> None:
        self._app = app
        self._errors = errors
        self.calls = dict(_direct(routes))

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        call = self.calls.get((scope["method"], scope["path"])) if _is_http(scope) else None
        if call is None:
            await self._app(scope, receive, send)
        elif call.body_type is None:
            await self._answer(call, {}, scope, receive, send)
        elif _is_json(scope):
            await self._with_body(call, call.body_type, scope, receive, send)
        else:
            await self._app(scope, receive, send)

    async def _with_body(
        self,
        call: DirectCall,
        body_type: TypeAdapter[Any],
        scope: Scope,
        receive: Receive,
        send: Send,
    ) -> None:
        messages = await _received(receive)
        try:
            # Parsed first, as FastAPI does: strict types take other things from JSON text.
            body = body_type.validate_python(from_json(_joined(messages)))
        except ValueError:
            await self._app(scope, _again(messages, receive), send)
        else:
            await self._answer(call, {call.body_name: body}, scope, receive, send)

    async def _answer(
        self,
        call: DirectCall,
        arguments: dict[str, Any],
        scope: Scope,
        receive: Receive,
        send: Send,
    ) -> None:
        scope["app"] = self._app
        scope["route"] = call.route
        try:
            arguments[call.caller_name] = await call.authenticate(HTTPConnection(scope))
            reply = await call.endpoint(**arguments)
        except DomainError as error:
            reply = self._errors.reply(error)
        except Exception as error:  # noqa: BLE001 - logged and masked, as in every other route
            reply = self._errors.defect(scope["path"], error)
        await reply(scope, receive, send)


@cache
def direct_calls(dialect: Dialect) -> DirectCalls:
    """Before the dialect's own application."""
    routes = [
        route
        for router in dialect.routers
        for route in router.routes
        if isinstance(route, APIRoute)
    ]
    return DirectCalls(dialect_app(dialect), routes, dialect.errors)


def _direct(routes: Sequence[APIRoute]) -> Iterator[tuple[tuple[str, str], DirectCall]]:
    for route in routes:
        call = direct_call(route)
        if call is None:
            continue
        for method in route.methods or ():
            if _found(routes, method, route.path) is route:
                yield (method, route.path), call


def _found(routes: Sequence[APIRoute], method: str, path: str) -> APIRoute | None:
    """Which one FastAPI takes: the first that fits."""
    fitting = (
        one for one in routes if method in (one.methods or ()) and one.path_regex.match(path)
    )
    return next(fitting, None)


def direct_call(route: APIRoute) -> DirectCall | None:
    """None for a route that takes more than its caller and one JSON body."""
    wanted = route.dependant
    if "{" in route.path or not _asked(wanted) <= {"dependencies", "body_params"}:
        return None
    if len(wanted.dependencies) != 1 or not _makes_replies(route.endpoint):
        return None
    caller = wanted.dependencies[0]
    if caller.name is None or _asked(caller) != {"http_connection_param_name"}:
        return None
    authenticate = cast(Authenticate, caller.call)
    if not wanted.body_params:
        return DirectCall(route, route.endpoint, caller.name, authenticate)
    body = wanted.body_params[0]
    if len(wanted.body_params) != 1 or type(body.field_info) is not Body:
        return None
    body_type: TypeAdapter[Any] = TypeAdapter(cast(Any, body.field_info.annotation))
    return DirectCall(route, route.endpoint, caller.name, authenticate, body.name, body_type)


_PARTS: Final = (
    "path_params",
    "query_params",
    "header_params",
    "cookie_params",
    "body_params",
    "dependencies",
    "request_param_name",
    "http_connection_param_name",
    "response_param_name",
    "background_tasks_param_name",
    "security_scopes_param_name",
)


def _asked(wanted: Dependant) -> set[str]:
    """The kinds of arguments that a function has."""
    return {part for part in _PARTS if getattr(wanted, part)}


def _makes_replies(endpoint: Callable[..., Any]) -> bool:
    """Whether there is nothing left to do with what it returns."""
    made = get_type_hints(endpoint).get("return")
    return iscoroutinefunction(endpoint) and isinstance(made, type) and issubclass(made, Response)


def _is_http(scope: Scope) -> bool:
    kind: str = scope["type"]
    return kind == "http"


def _is_json(scope: Scope) -> bool:
    return any(name == b"content-type" and value == JSON for name, value in scope["headers"])


async def _received(receive: Receive) -> list[Message]:
    """All messages of the body, or up to the disconnection that cut it short."""
    messages = [await receive()]
    while messages[-1].get("more_body", False):
        messages.append(await receive())
    return messages


def _joined(messages: list[Message]) -> bytes:
    if messages[-1]["type"] != "http.request":
        raise ValueError("cut short")
    return b"".join(message.get("body", b"") for message in messages)


def _again(messages: list[Message], receive: Receive) -> Receive:
    """What was read already, then whatever comes next."""
    waiting = iter(messages)

    async def replay() -> Message:
        message = next(waiting, None)
        return await receive() if message is None else message

    return replay

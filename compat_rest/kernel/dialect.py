"""A dialect: its own FastAPI app with its own OpenAPI, errors and authentication."""

from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass, field
from functools import cache
from http import HTTPStatus
from typing import Any, Final

from fastapi import APIRouter, FastAPI
from fastapi.openapi.utils import get_openapi
from fastapi.routing import APIRoute, RouteContext, iter_route_contexts
from pydantic import BaseModel

from compat_rest.kernel.auth import caller
from compat_rest.kernel.errors import ErrorPresenter
from compat_rest.kernel.replies import Reply
from graph.context import Context

Caller = Callable[..., Awaitable[Context]]
"""A dependency; besides the connection it may take what the path names."""


@dataclass(frozen=True, slots=True, eq=False)
class Dialect:
    """What is particular to one old system. `error_model` documents the body of every refusal;
    `callers` are the dependencies that want a token and refuse whoever has none, `answer_headers`
    documents headers that every answer may have."""

    name: str
    title: str
    description: str
    version: str
    errors: ErrorPresenter
    error_model: type[BaseModel]
    routers: Sequence[APIRouter]
    security: dict[str, Any] = field(
        default_factory=lambda: {"type": "http", "scheme": "bearer", "bearerFormat": "JWT"}
    )
    callers: tuple[Caller, ...] = (caller,)
    answer_headers: Mapping[str, Any] = field(default_factory=dict)


@cache
def dialect_app(dialect: Dialect) -> FastAPI:
    """Built once: `Surface` brings a runtime to it. Lifespans of mounted apps do not run, so it has
    none: what lives is in the runtime."""
    app = FastAPI(
        title=dialect.title,
        description=dialect.description,
        version=dialect.version,
        default_response_class=Reply,
        docs_url=None,
        redoc_url=None,
        openapi_url="/openapi.json",
        redirect_slashes=False,
        generate_unique_id_function=lambda route: route.name,
        # The old clients did not always say what they send.
        strict_content_type=False,
    )
    dialect.errors.install(app)
    # Named here for the model's sake; `_corrected` puts references in their place.
    refusals: dict[int | str, dict[str, Any]] = {400: {"model": dialect.error_model}}
    for router in dialect.routers:
        app.include_router(router, responses=refusals)
    app.openapi = _describe(app, dialect)  # type: ignore[method-assign]
    return app


def _describe(app: FastAPI, dialect: Dialect) -> Callable[[], dict[str, Any]]:
    """FastAPI's document, less its 422, plus who needs a token."""

    def openapi() -> dict[str, Any]:
        if app.openapi_schema is None:
            document = get_openapi(
                title=app.title,
                version=app.version,
                description=app.description,
                routes=app.routes,
            )
            app.openapi_schema = _corrected(document, app, dialect)
        return app.openapi_schema

    return openapi


def _corrected(document: dict[str, Any], app: FastAPI, dialect: Dialect) -> dict[str, Any]:
    components = document.setdefault("components", {})
    for unused in ("HTTPValidationError", "ValidationError"):
        components.get("schemas", {}).pop(unused, None)
    components["securitySchemes"] = {"token": dialect.security}
    components["responses"] = _refusals(dialect)
    for route in iter_route_contexts(app.routes):
        if isinstance(route.original_route, APIRoute) and route.include_in_schema:
            for method in route.methods or ():
                operation = document["paths"][route.path_format][method.lower()]
                _correct(operation, dialect, _needs_token(route, dialect.callers))
    return document


def _correct(operation: dict[str, Any], dialect: Dialect, needs_token: bool) -> None:
    operation["security"] = [{"token": []}] if needs_token else []
    responses = operation["responses"]
    responses.pop("422", None)
    for status in _statuses(dialect):
        if status != 413 or "requestBody" in operation:
            responses[str(status)] = {"$ref": f"#/components/responses/{_refusal(status)}"}
    for response in responses.values():
        if "$ref" not in response and dialect.answer_headers:
            response["headers"] = {**response.get("headers", {}), **dialect.answer_headers}


def _statuses(dialect: Dialect) -> list[int]:
    """Of every refusal that any route may give: its own, and those of the HTTP layer."""
    return sorted({*dialect.errors.statuses.values(), 405, 413})


def _refusals(dialect: Dialect) -> dict[str, Any]:
    schema = {"$ref": f"#/components/schemas/{dialect.error_model.__name__}"}
    found: dict[str, Any] = {}
    for status in _statuses(dialect):
        found[_refusal(status)] = {
            "description": HTTPStatus(status).phrase,
            "content": {"application/json": {"schema": schema}},
        }
        headers = {**_REFUSAL_HEADERS.get(status, {}), **dialect.answer_headers}
        if headers:
            found[_refusal(status)]["headers"] = headers
    return found


def _refusal(status: int) -> str:
    return HTTPStatus(status).phrase.replace(" ", "")


_REFUSAL_HEADERS: Final[dict[int, Any]] = {
    401: {"WWW-Authenticate": {"required": True, "schema": {"type": "string"}}},
    405: {"Allow": {"required": True, "schema": {"type": "string"}}},
    429: {"Retry-After": {"required": True, "schema": {"type": "string", "pattern": "^[0-9]+$"}}},
}


def _needs_token(route: RouteContext, callers: tuple[Caller, ...]) -> bool:
    return any(part.call in callers for part in route.dependant.dependencies)

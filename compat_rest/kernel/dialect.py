"""A dialect: its own FastAPI app with its own OpenAPI, errors and authentication."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import Any

from fastapi import APIRouter, FastAPI
from fastapi.openapi.utils import get_openapi
from fastapi.routing import APIRoute
from pydantic import BaseModel

from compat_rest.kernel.auth import Authenticate, Entry, caller
from compat_rest.kernel.errors import ErrorPresenter
from compat_rest.kernel.replies import Reply


@dataclass(frozen=True, slots=True)
class Dialect:
    """What is particular to one old system. `error_model` documents the body of every refusal."""

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
    authenticate: Authenticate = caller


def dialect_app(dialect: Dialect, entry: Entry, *, documentation: bool = True) -> FastAPI:
    """Lifespans of mounted apps do not run, so it has none: what lives is in the runtime."""
    app = FastAPI(
        title=dialect.title,
        description=dialect.description,
        version=dialect.version,
        default_response_class=Reply,
        docs_url=None,
        redoc_url=None,
        openapi_url="/openapi.json" if documentation else None,
        redirect_slashes=False,
        generate_unique_id_function=lambda route: route.name,
        # The old clients did not always say what they send.
        strict_content_type=False,
    )
    app.state.entry = entry
    dialect.errors.install(app)
    refusals: dict[int | str, dict[str, Any]] = {
        status: {"model": dialect.error_model}
        for status in sorted({*dialect.errors.statuses.values(), 405})
    }
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
    for route in app.routes:
        if isinstance(route, APIRoute) and route.include_in_schema:
            for method in route.methods or ():
                operation = document["paths"][route.path_format][method.lower()]
                operation["responses"].pop("422", None)
                if _needs_token(route, dialect.authenticate):
                    operation["security"] = [{"token": []}]
                else:
                    operation["security"] = []
    return document


def _needs_token(route: APIRoute, authenticate: Authenticate) -> bool:
    return any(part.call is authenticate for part in route.dependant.dependencies)

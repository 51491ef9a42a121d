"""/docs: Swagger UI from our own files, since an edge may have no network."""

from html import escape
from pathlib import Path

from starlette.requests import Request
from starlette.responses import HTMLResponse, Response
from starlette.routing import BaseRoute, Mount, Route
from starlette.staticfiles import StaticFiles

STATIC = Path(__file__).parent / "static"
_PAGE = """<!doctype html>
<html lang="en"><head><meta charset="utf-8"><title>{title}</title>
<link rel="icon" href="data:,"><link rel="stylesheet" href="docs/static/swagger-ui.min.css"></head>
<body><div id="ui"></div><script src="docs/static/swagger-ui-bundle.min.js"></script>
<script>SwaggerUIBundle({{url: "openapi.json", dom_id: "#ui", deepLinking: true}})</script>
</body></html>"""


def documentation_routes(title: str) -> list[BaseRoute]:
    """Beside a dialect's `/openapi.json`; all addresses are relative, whatever it is mounted on."""
    page = _PAGE.format(title=escape(title))

    async def docs(_request: Request) -> Response:
        return HTMLResponse(page)

    return [Route("/docs", docs), Mount("/docs/static", StaticFiles(directory=STATIC))]

"""GraphiQL, served from this package's own files: the page asks no other host for anything.

`static/` holds the built files of graphiql, react, react-dom and graphql-ws with their licences;
see `static/README.md` for versions and for how to renew them.
"""

from collections.abc import Sequence
from html import escape
from pathlib import Path
from typing import Final

import orjson
from starlette.routing import Mount
from starlette.staticfiles import StaticFiles
from starlette.types import Scope

STATIC: Final = Path(__file__).with_name("static")
POLICY: Final = (
    b"default-src 'self'; style-src 'self' 'unsafe-inline'; img-src 'self' data:; "
    b"font-src 'self' data:; connect-src 'self' ws: wss:; frame-ancestors 'none'"
)
PAGE: Final = """<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<title>Oktograph GraphiQL</title>
<link rel="icon" href="data:,">
<link rel="stylesheet" href="{static}/graphiql.min.css">
<link rel="stylesheet" href="{static}/console.css">
</head>
<body>
<div id="graphiql" data-endpoint="{endpoint}">Loading …</div>
<script id="first-operations" type="application/json">{operations}</script>
<script src="{static}/react.production.min.js"></script>
<script src="{static}/react-dom.production.min.js"></script>
<script src="{static}/graphiql.min.js"></script>
<script src="{static}/graphql-ws.min.js"></script>
<script src="{static}/console.js"></script>
</body>
</html>
"""


WHICH_FIELDS: Final = """query WhichFields {
  __schema {
    queryType { fields { name description } }
    subscriptionType { fields { name description } }
  }
}
"""


def page(scope: Scope, path: str, operations: Sequence[str]) -> bytes:
    """The page for an application that may be mounted below another path. Each operation is a
    tab of a first visit."""
    endpoint = escape(scope.get("root_path", "").rstrip("/") + path)
    # In a script element nothing is escaped, so nothing may end it.
    tabs = orjson.dumps(list(operations or (WHICH_FIELDS,))).decode().replace("<", "\\u003c")
    return PAGE.format(endpoint=endpoint, static=f"{endpoint}/static", operations=tabs).encode()


def static_files(path: str) -> Mount:
    return Mount(f"{path}/static", StaticFiles(directory=STATIC), name="graphiql-static")

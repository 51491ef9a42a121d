"""Answers: encoded once, by orjson, straight from what a presenter made."""

from collections.abc import Mapping
from typing import Any

import orjson
from starlette.responses import JSONResponse


class Reply(JSONResponse):
    """A JSON body. The documented model is named by the route; schemathesis holds it to it."""

    def __init__(
        self, content: Any, status_code: int = 200, headers: Mapping[str, str] | None = None
    ) -> None:
        super().__init__(content, status_code, headers)

    def render(self, content: Any) -> bytes:
        return orjson.dumps(content)

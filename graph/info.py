"""The `info` that fields get, with our context."""

import strawberry

from graph.context import Context

Info = strawberry.Info[Context, None]

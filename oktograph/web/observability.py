"""What every request gets: a correlation id, a count, a duration. Pure ASGI, no body is touched."""

import asyncio
import re
import secrets
import time
from collections.abc import Callable, Iterator, Mapping
from typing import Final

import structlog
from prometheus_client import CollectorRegistry, Histogram, generate_latest
from prometheus_client.core import CounterMetricFamily, GaugeMetricFamily
from prometheus_client.metrics_core import Metric
from prometheus_client.registry import Collector
from starlette.requests import Request
from starlette.responses import Response
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from graph.context import Services

HEADER: Final = b"x-request-id"
_SAFE: Final = re.compile(rb"[A-Za-z0-9._-]{1,64}")
BUCKETS: Final = (0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 1.0, 5.0)


class Metrics:
    """This process's own registry; several runtimes in one process do not mix."""

    def __init__(self) -> None:
        self.registry = CollectorRegistry()
        self.requests = Histogram(
            "oktograph_request_seconds",
            "Duration of HTTP requests",
            ("method", "route", "status"),
            registry=self.registry,
            buckets=BUCKETS,
        )

    def watch(
        self,
        services: Services,
        removed: Mapping[str, int],
        gateways: Callable[[], Mapping[str, int]] | None = None,
    ) -> None:
        """Its figures are asked for when the page is, and cost nothing in between. `removed` is
        how many rows retention took away, by table; `gateways` are messages of gateways, by what
        became of them, where they are taken here."""
        self.registry.register(_Live(services, removed))
        if gateways is not None:
            self.registry.register(_Gateways(gateways))

    async def page(self, _request: Request) -> Response:
        return Response(generate_latest(self.registry), media_type="text/plain; version=0.0.4")


class _Live(Collector):
    """What a service holds at this moment, and what it has committed since its start."""

    def __init__(self, services: Services, removed: Mapping[str, int]) -> None:
        self._services = services
        self._removed = removed

    def collect(self) -> Iterator[Metric]:
        live = GaugeMetricFamily("oktograph_live", "What is there right now", labels=("what",))
        for what, count in self._figures().items():
            live.add_metric((what,), count)
        yield live
        scans = CounterMetricFamily("oktograph_scans", "Scans committed", labels=("verdict",))
        for verdict, count in sorted(self._services.scans.committed.items()):
            scans.add_metric((verdict,), count)
        yield scans
        removed = CounterMetricFamily(
            "oktograph_removed", "Rows that were kept long enough", labels=("what",)
        )
        for what, count in sorted(self._removed.items()):
            removed.add_metric((what,), count)
        yield removed

    def _figures(self) -> dict[str, int]:
        services = self._services
        found: dict[str, int] = {}
        if services.fleet is not None:
            found["device_sessions"] = len(services.fleet.sessions)
            found["awaited_commands"] = len(services.fleet.results)
        return found | {
            "subscriptions": services.streams.live,
            "groups": services.fanout.groups,
            "waiting_writes": services.scans.waiting,
            "scanners_connected": sum(one.connected for one in services.line.scanners()),
            "log_head": services.tail.head,
            "tasks": len(asyncio.all_tasks()),
        }


class _Gateways(Collector):
    """What came over MQTT, and whether anything can."""

    def __init__(self, counted: Callable[[], Mapping[str, int]]) -> None:
        self._counted = counted

    def collect(self) -> Iterator[Metric]:
        found = dict(self._counted())
        live = GaugeMetricFamily("oktograph_mqtt", "The link to the broker", labels=("what",))
        for what in ("connected", "waiting"):
            live.add_metric((what,), found.pop(what))
        yield live
        told = CounterMetricFamily(
            "oktograph_mqtt_messages", "Messages of gateways", labels=("outcome",)
        )
        for outcome, count in sorted(found.items()):
            told.add_metric((outcome,), count)
        yield told


class Observed:
    """The outermost application of a port."""

    def __init__(self, app: ASGIApp, metrics: Metrics) -> None:
        self._app = app
        self._metrics = metrics

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] == "lifespan":
            await self._app(scope, receive, send)
            return
        correlation_id = _correlation_id(scope)
        # A connection runs in a task of its own, whose context dies with it.
        structlog.contextvars.bind_contextvars(correlation_id=correlation_id)
        if scope["type"] == "websocket":
            await self._app(scope, receive, send)
            return
        await self._http(scope, receive, send, correlation_id.encode())

    async def _http(
        self, scope: Scope, receive: Receive, send: Send, correlation_id: bytes
    ) -> None:
        began = time.perf_counter()
        status, started = 500, False

        async def observed(message: Message) -> None:
            nonlocal status, started
            if message["type"] == "http.response.start":
                started = True
                status = message["status"]
                message["headers"] = [*message.get("headers", ()), (HEADER, correlation_id)]
            await send(message)

        try:
            await self._app(scope, receive, observed)
        except Exception:
            # A face that has answered has logged it; Starlette raises it on all the same.
            if not started:
                raise
        finally:
            labels = (_method(scope), _route(scope), str(status))
            self._metrics.requests.labels(*labels).observe(time.perf_counter() - began)


_METHODS: Final = frozenset({"DELETE", "GET", "HEAD", "OPTIONS", "PATCH", "POST", "PUT"})


def _method(scope: Scope) -> str:
    method: str = scope["method"]
    return method if method in _METHODS else "OTHER"


def _route(scope: Scope) -> str:
    """The route's template: a path with an id in it would be a series of its own."""
    return getattr(scope.get("route"), "path", "") or "unmatched"


def _correlation_id(scope: Scope) -> str:
    """The caller's, where it is one that may stand in a log line."""
    for name, value in scope["headers"]:
        if name == HEADER and _SAFE.fullmatch(value):
            given: str = value.decode()
            return given
    return secrets.token_hex(8)

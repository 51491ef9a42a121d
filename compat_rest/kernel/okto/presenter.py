"""The envelope, login, health and the journal, as both services show them."""

from typing import Any

import orjson

from domain.journal.rows import EventRow
from domain.kernel.clock import iso
from graph.identity.resolvers import LoginResult
from graph.line.resolvers import Health

Body = dict[str, Any]
SUCCESS: Body = {"success": True}


def data(payload: Any) -> Body:
    return {"success": True, "data": payload}


def moment(value_us: int | None) -> str | None:
    """A time that may be missing."""
    return None if value_us is None else iso(value_us)


def health(found: Health) -> Body:
    """A disabled edge answers, keeps every read and makes nothing of it."""
    status = "healthy" if found.enabled else "disabled"
    status = status if found.healthy else "degraded"
    return {"status": status, "version": found.version, "uptime": found.uptime_s}


def login(result: LoginResult) -> Body:
    user = result.user
    shown = {
        "id": user.id,
        "username": user.username,
        "role": str(user.role),
        "displayName": user.display_name,
    }
    return data({"token": result.token, "user": shown})


def event(row: EventRow) -> Body:
    """The journal's times are microseconds, all others ISO 8601."""
    return {
        "id": row.id,
        "severity": str(row.severity),
        "category": row.category,
        "source": row.source,
        "message": row.message,
        "timestampUs": row.occurred_at_us,
        "acknowledged": row.acknowledged_at_us is not None,
        "acknowledgedAtUs": row.acknowledged_at_us,
        "acknowledgedBy": row.acknowledged_by,
        "data": None if row.data is None else orjson.loads(row.data),
    }

"""The envelope, login and health, as both services show them."""

from typing import Any

from graph.identity.resolvers import LoginResult
from graph.line.resolvers import Health

Body = dict[str, Any]
SUCCESS: Body = {"success": True}


def data(payload: Any) -> Body:
    return {"success": True, "data": payload}


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

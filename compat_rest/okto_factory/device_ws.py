"""/ws/device of the factory: the channel that an edge dials in by. What is said on it is in
`domain.fleet.protocol`."""

from typing import Final

from fastapi import APIRouter, WebSocket
from starlette.websockets import WebSocketDisconnect

from compat_rest.kernel.websockets import authenticated, close, close_code
from domain.fleet.session_loop import Transport
from domain.kernel.errors import DomainError
from graph.fleet import resolvers

PATH: Final = "/ws/device"
router = APIRouter()


@router.websocket(PATH)
async def device_channel(socket: WebSocket) -> None:
    try:
        context = await authenticated(socket)
        end = await resolvers.device_session(context, _transport(socket))
    except WebSocketDisconnect:
        return
    except DomainError as error:
        await close(socket, close_code(error), error.message)
        return
    await close(socket, *end)


def _transport(socket: WebSocket) -> Transport:
    async def receive() -> str | None:
        try:
            message = await socket.receive()
        except RuntimeError:
            return None
        if message["type"] == "websocket.disconnect":
            return None
        # Bytes are no frame, and nor is the empty text that stands for them.
        return message.get("text") or ""

    async def send(frame: str) -> None:
        try:
            await socket.send_text(frame)
        except (WebSocketDisconnect, RuntimeError) as error:
            raise OSError("the device is gone") from error

    return Transport(receive, send, socket.client.host if socket.client else "")

"""The cloud over HTTP: the port of `domain.sync`, spoken with httpx2."""

from typing import Unpack
from uuid import uuid4

from domain.sync.ports import (
    ActivationRequest,
    CloudActivation,
    CloudCompany,
    CloudDevice,
    CloudLine,
    CloudSession,
    IssuedCodes,
    SyncBatch,
    SyncReceipt,
)
from drivers.cloud.answers import CLOUD, read_codes, read_list, read_one, read_receipt
from drivers.upstream import requests, wire
from drivers.upstream.calls import Call
from drivers.upstream.client import ClientOptions, UpstreamClient
from drivers.upstream.requests import (
    JSON_BODY,
    device_path,
    idempotency_key,
    json_body,
)


class HttpCloud(UpstreamClient):
    """`CloudPort` on one connection pool."""

    def __init__(
        self, base_url: str, *, timeout_s: float = 10.0, **options: Unpack[ClientOptions]
    ) -> None:
        super().__init__(CLOUD, base_url, "/sync", timeout_s, **options)

    async def sign_in(self, email: str, password: str) -> CloudSession:
        body = json_body({"email": email, "password": password}, "email")
        call = Call(method="POST", path="/sign_in", idempotent=False, headers=JSON_BODY, body=body)
        return read_one(CloudSession, await self._caller.call(call))

    async def devices(self, user_token: str) -> list[CloudDevice]:
        return read_list(CloudDevice, await self._get("/devices", user_token))

    async def activate(
        self, user_token: str, device_id: str, activation: ActivationRequest
    ) -> CloudActivation:
        body = json_body(wire.emit(activation), "activation")
        data = await self._device_call("activate", user_token, device_id, body)
        return read_one(CloudActivation, data)

    async def deactivate(self, device_token: str, device_id: str) -> None:
        await self._device_call("deactivate", device_token, device_id, b"{}")

    async def lines(self, device_token: str) -> list[CloudLine]:
        return read_list(CloudLine, await self._get("/lines", device_token))

    async def codes(
        self, device_token: str, limit: int, *, request_key: str | None = None
    ) -> IssuedCodes:
        """Without a `request_key` only this call's own repetitions share the same codes."""
        call = Call(
            method="GET",
            path="/codes",
            idempotent=True,
            params={"limit": str(limit)},
            headers=bearer(device_token) | idempotency_key(request_key or uuid4().hex),
        )
        return read_codes(await self._caller.call(call))

    async def company(self, device_token: str) -> CloudCompany:
        return read_one(CloudCompany, await self._get("/company", device_token))

    async def push(self, device_token: str, batch: SyncBatch) -> SyncReceipt:
        headers = bearer(device_token) | JSON_BODY | idempotency_key(batch.idempotency_key)
        body = json_body(wire.emit_sync(batch), "batch")
        data = await self._posts.post(headers, body)
        return read_receipt(batch, data)

    async def _get(self, path: str, token: str) -> object:
        return await self._caller.call(
            Call(method="GET", path=path, idempotent=True, headers=bearer(token))
        )

    async def _device_call(self, action: str, token: str, device_id: str, body: bytes) -> object:
        return await self._caller.call(
            Call(
                method="POST",
                path=device_path(device_id, action),
                idempotent=False,
                headers=bearer(token) | JSON_BODY,
                body=body,
                entity="device",
                key=device_id,
            )
        )


def bearer(token: str) -> dict[str, str]:
    return requests.bearer(CLOUD, token)

"""The simulated cloud itself: what it knows, what it decides, what it received."""

from collections import ChainMap, OrderedDict, deque
from collections.abc import Mapping
from dataclasses import dataclass
from hmac import compare_digest
from typing import Any

from domain.kernel.clock import SECOND_US, Clock, SystemClock, from_us
from domain.kernel.errors import Forbidden, NotFound, Unauthorized, ValidationFailed
from domain.sync.ports import (
    ActivationRequest,
    BatchState,
    BottleState,
    CloudActivation,
    CloudCompany,
    CloudDevice,
    CloudLine,
    CloudSession,
    IssuedCodes,
    PalletState,
    SyncReceipt,
)
from drivers.cloud.simulator.codes import MilkCodes, NextCode
from drivers.cloud.simulator.data import DEMO, CloudData, CloudUser, RegisteredDevice
from drivers.cloud.simulator.faults import Faults
from drivers.cloud.simulator.ledger import Ledger
from drivers.cloud.simulator.tokens import Grant, TokenKind, Tokens

CALLS_KEPT = 1000
MAX_CODES = 1000
ISSUES_KEPT = 1000


@dataclass(frozen=True, slots=True, kw_only=True)
class CallRecord:
    """One request as it arrived, without its secrets. `peer_port` tells connections apart."""

    method: str
    path: str
    peer_port: int
    content_encoding: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Limits:
    """`max_body_bytes` counts after decompression."""

    user_token_s: int = 3600
    device_token_s: int = 365 * 24 * 3600
    max_body_bytes: int = 16 * 1024 * 1024
    accepts_gzip: bool = True


class CloudState:
    """Lives as long as its owner wants; servers may come and go on top of it.

    Synchronous, and so atomic for all requests of one event loop. Raises domain errors.
    """

    def __init__(
        self,
        data: CloudData = DEMO,
        *,
        next_code: NextCode | None = None,
        clock: Clock | None = None,
        limits: Limits | None = None,
    ) -> None:
        self.data = data
        self.limits = limits or Limits()
        self.faults = Faults()
        self.calls: deque[CallRecord] = deque(maxlen=CALLS_KEPT)
        self.activations: dict[str, CloudActivation] = {}
        self.codes_left = {product.id: product.codes_left for product in data.products}
        self._clock = clock or SystemClock()
        self._tokens = Tokens(self._clock)
        self._next_code = next_code or MilkCodes()
        self._issued: OrderedDict[tuple[str, str], IssuedCodes] = OrderedDict()
        self._ledgers = {company.id: Ledger() for company in data.companies}

    def ledger(self, company_id: str) -> Ledger:
        """Raises KeyError for an unknown company."""
        return self._ledgers[company_id]

    @property
    def bottles(self) -> Mapping[str, BottleState]:
        """Of all companies, by id; a live view. The same for batches and pallets."""
        return ChainMap(*(ledger.bottles for ledger in self._ledgers.values()))

    @property
    def batches(self) -> Mapping[str, BatchState]:
        return ChainMap(*(ledger.batches for ledger in self._ledgers.values()))

    @property
    def pallets(self) -> Mapping[str, PalletState]:
        return ChainMap(*(ledger.pallets for ledger in self._ledgers.values()))

    def sign_in(self, email: str, password: str) -> CloudSession:
        user = self._user(email)
        expected = user.password if user else ""
        if not compare_digest(password.encode(), expected.encode()) or user is None:
            raise Unauthorized("Wrong email or password", reason="WRONG_CREDENTIALS")
        expires_at_us = self._clock.now_us() + self.limits.user_token_s * SECOND_US
        grant = Grant(TokenKind.USER, user.email, user.company_id, expires_at_us)
        return CloudSession(user_token=self._tokens.issue(grant), expires_at_us=expires_at_us)

    def devices(self, token: str) -> list[CloudDevice]:
        grant = self._tokens.resolve(token, TokenKind.USER)
        company = self.data.company(grant.company_id)
        return [
            CloudDevice(
                id=device.id,
                name=device.name,
                company_id=company.id,
                company_name=company.name,
                seq_number=device.seq_number,
                device_mode=device.device_mode,
            )
            for device in self.data.devices
            if device.company_id == company.id
        ]

    def activate(self, token: str, device_id: str, request: ActivationRequest) -> CloudActivation:
        grant = self._tokens.resolve(token, TokenKind.USER)
        device = self.data.device(device_id)
        if device is None or device.company_id != grant.company_id:
            raise NotFound("device", device_id)
        if request.company_id != device.company_id:
            raise ValidationFailed("companyId", "not the device's company")
        if request.seq_number != device.seq_number:
            raise ValidationFailed("seqNumber", "not the device's number")
        self._tokens.revoke_device(device_id)
        self.activations[device_id] = self._activated(device, request)
        return self.activations[device_id]

    def deactivate(self, token: str, device_id: str) -> None:
        grant = self._tokens.resolve(token, TokenKind.DEVICE)
        if grant.subject != device_id:
            raise Forbidden("The token belongs to another device", reason="OTHER_DEVICE")
        self._tokens.revoke_device(device_id)
        del self.activations[device_id]

    def lines(self, token: str) -> list[CloudLine]:
        grant = self._tokens.resolve(token, TokenKind.DEVICE)
        return [line for line in self.data.lines if line.company_id == grant.company_id]

    def company(self, token: str) -> CloudCompany:
        grant = self._tokens.resolve(token, TokenKind.DEVICE)
        return self.data.company(grant.company_id)

    def codes(self, token: str, limit: int, key: str | None) -> IssuedCodes:
        """The same key gets the same codes, so that a lost answer burns none."""
        grant = self._tokens.resolve(token, TokenKind.DEVICE)
        if not 1 <= limit <= MAX_CODES:
            raise ValidationFailed("limit", f"must be from 1 to {MAX_CODES}")
        if key is None:
            return self._issue(grant.subject, limit)
        issued = self._issued.get((grant.subject, key))
        if issued is None:
            issued = self._issued[grant.subject, key] = self._issue(grant.subject, limit)
            if len(self._issued) > ISSUES_KEPT:
                self._issued.popitem(last=False)
        return issued

    def sync(self, token: str, key: str, body: Mapping[str, Any]) -> SyncReceipt:
        grant = self._tokens.resolve(token, TokenKind.DEVICE)
        return self._ledgers[grant.company_id].deliver(key, body, self.faults.reject_ids)

    def _user(self, email: str) -> CloudUser | None:
        wanted = email.strip().casefold()
        return next((user for user in self.data.users if user.email.casefold() == wanted), None)

    def _activated(self, device: RegisteredDevice, request: ActivationRequest) -> CloudActivation:
        now_us = self._clock.now_us()
        expires_at_us = now_us + self.limits.device_token_s * SECOND_US
        company = self.data.company(device.company_id)
        grant = Grant(TokenKind.DEVICE, device.id, company.id, expires_at_us)
        return CloudActivation(
            device_token=self._tokens.issue(grant),
            expires_at_us=expires_at_us,
            activated_at=from_us(now_us),
            device_id=device.id,
            device_identifier=f"edge-{device.seq_number}_{now_us // SECOND_US}",
            device_name=request.device_name,
            company_id=company.id,
            company_name=company.name,
            seq_number=device.seq_number,
            device_mode=request.device_mode,
            industry=company.industry,
        )

    def _issue(self, device_id: str, limit: int) -> IssuedCodes:
        device = self.data.device(device_id)
        if device is None:
            raise NotFound("device", device_id)
        product = self.data.product(self.data.line(device.line_id).product_id)
        industry = self.data.company(product.company_id).industry
        taken = min(limit, self.codes_left[product.id])
        codes = tuple(self._next_code(product.gtin, industry) for _ in range(taken))
        self.codes_left[product.id] -= taken
        return IssuedCodes(codes, self.codes_left[product.id])

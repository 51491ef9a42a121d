"""Data changes as the server publishes them, and whether it still does."""

import asyncio
import math
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass

from asyncua import ua
from asyncua.ua.attribute_ids import AttributeIds

from drivers.link import PeerLost
from drivers.plcs.opc_ua.client import MOST_IN_A_REQUEST, ServerSession, kept_s
from drivers.plcs.opc_ua.settings import OpcUaSettings

# A server with nothing to tell says so as often as it is asked for its state; so many of these
# may be missed.
MISSED_KEEPALIVES = 3

# Awaited before more is asked for: while it takes its time, the server keeps the values back.
OnChanges = Callable[[Sequence[tuple[int, ua.DataValue]]], Awaitable[None]]


@dataclass(frozen=True, slots=True)
class Item:
    """`handle` is what its changes are told under."""

    handle: int
    node: ua.NodeId
    sampling_s: float


class Subscription:
    """One for all tags of a session, and gone with it."""

    def __init__(self, session: ServerSession, settings: OpcUaSettings, on_changes: OnChanges):
        self._session = session
        self._settings = settings
        self._on_changes = on_changes
        self._id = 0
        self._silence_s = math.inf
        self._heard_at_s = 0.0
        self._busy = False

    async def open(self) -> None:
        interval_s = self._settings.publishing_interval_s
        beats = max(1, round(self._session.timeout_s / interval_s))
        lifetime_s = kept_s(self._session.timeout_s)
        wanted = ua.CreateSubscriptionParameters(
            RequestedPublishingInterval=interval_s * 1000,
            RequestedMaxKeepAliveCount=beats,
            RequestedLifetimeCount=max(3 * beats, math.ceil(lifetime_s / interval_s)),
        )
        self._heard_at_s = _now_s()
        async with self._session.answering():
            given = await self._session.client.uaclient.create_subscription(wanted, self._publish)
        self._id = given.SubscriptionId
        beat_s = given.RevisedPublishingInterval / 1000 * given.RevisedMaxKeepAliveCount
        self._silence_s = MISSED_KEEPALIVES * beat_s + self._session.timeout_s

    async def add(self, items: Sequence[Item]) -> list[ua.StatusCode]:
        """What the server says to each; a good one's present value is told first."""
        said: list[ua.StatusCode] = []
        for at in range(0, len(items), MOST_IN_A_REQUEST):
            wanted = ua.CreateMonitoredItemsParameters(
                SubscriptionId=self._id,
                TimestampsToReturn=ua.TimestampsToReturn.Neither,
                ItemsToCreate=[self._request(i) for i in items[at : at + MOST_IN_A_REQUEST]],
            )
            async with self._session.answering():
                answers = await self._session.client.uaclient.create_monitored_items(wanted)
            said += [answer.StatusCode for answer in answers]
        return said

    async def watch(self) -> None:
        """Raises PeerLost once the server has stopped publishing, whatever else it answers."""
        # When to look next depends on what was heard since the last look.
        while (left_s := self._heard_at_s + self._silence_s - _now_s()) > 0 or self._busy:  # noqa: ASYNC110
            await asyncio.sleep(max(left_s, self._session.timeout_s))
        raise PeerLost("the server stopped publishing")

    def _request(self, item: Item) -> ua.MonitoredItemCreateRequest:
        return ua.MonitoredItemCreateRequest(
            ItemToMonitor=ua.ReadValueId(NodeId=item.node, AttributeId=AttributeIds.Value),
            MonitoringMode=ua.MonitoringMode.Reporting,
            RequestedParameters=ua.MonitoringParameters(
                ClientHandle=item.handle,
                SamplingInterval=item.sampling_s * 1000,
                QueueSize=self._settings.queue_size,
                DiscardOldest=True,
            ),
        )

    async def _publish(self, result: ua.PublishResult) -> None:
        """Called for each answer to a publish request, those without news too."""
        changes: list[tuple[int, ua.DataValue]] = []
        for notification in result.NotificationMessage.NotificationData or ():
            if isinstance(notification, ua.DataChangeNotification):
                changes += [(item.ClientHandle, item.Value) for item in notification.MonitoredItems]
            elif isinstance(notification, ua.StatusChangeNotification):
                status = notification.Status
                self._session.lose(f"the server ended the subscription: {status.name}")
        self._busy = True
        try:
            if changes:
                await self._on_changes(changes)
        finally:
            self._busy, self._heard_at_s = False, _now_s()


def _now_s() -> float:
    return asyncio.get_running_loop().time()

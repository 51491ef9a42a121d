"""Asking a device right now whether it answers, as a person at its settings page does."""

from contextlib import suppress

from drivers.link import LinkSnapshot, LinkState
from drivers.supervised import SupervisedTask


async def probe(task: SupervisedTask, timeout_s: float) -> LinkSnapshot:
    """What is known of the device, after a fresh attempt where it was not connected.

    A connected device is left alone: to test a running line must not cost it a code. One that
    has faulted is tried anew; one that was stopped stays so.
    """
    state = task.snapshot().state
    if state in (LinkState.CONNECTED, LinkState.STOPPED):
        return task.snapshot()
    task.start()
    task.reconnect()
    with suppress(TimeoutError):
        await task.wait_for_state(LinkState.CONNECTED, timeout_s)
    return task.snapshot()

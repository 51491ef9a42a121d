"""What the polling engine needs of a protocol: one reached controller that answers questions."""

from collections.abc import Callable, Sequence
from contextlib import AbstractAsyncContextManager
from typing import Protocol

from drivers.plcs.tags import Scalar, TagBinding, TagInfo, TagRefused
from drivers.turns import Turns


class TagSession(Protocol):
    """`probe`, `read`, `write` and `browse` are called with a turn of `turns` taken, hence one at
    a time on all that shares them.

    They raise TagRefused for what the controller refuses by an answer, and TimeoutError, PeerLost
    or OSError where no answer came: then the session is over. Cancelled, they leave the link lost
    or fit for the next request, whose answer is never mistaken for theirs.
    """

    @property
    def peer(self) -> str:
        """For people."""

    @property
    def turns(self) -> Turns:
        """Its own, or those of the connection that it shares."""

    def requests(self, bindings: Sequence[TagBinding]) -> Sequence[Sequence[TagBinding]]:
        """Which tags are asked for together: each part is one request, after which a write may
        have its turn. Asked again whenever a tag was refused, or works again."""

    async def probe(self) -> None:
        """Any question. A refusal is an answer too, and is not raised."""

    async def read(self, bindings: Sequence[TagBinding]) -> Sequence[Scalar | TagRefused]:
        """One of the parts that `requests` made, or a single tag: the values in this order, as
        people see them (`codec`). A tag that is refused does not spoil the others; where all are
        refused together, and it cannot be told which is to blame, raises TagRefused: then each is
        asked for alone."""

    async def write(self, binding: TagBinding, value: Scalar) -> None:
        """Returns once it is confirmed. `value` is one that `codec` can encode."""

    async def browse(self) -> Sequence[TagInfo]:
        """What the controller has; nothing where it cannot tell, and the bindings are shown."""

    async def until_lost(self) -> None:
        """Raises PeerLost when the link ends between two requests; otherwise waits for ever."""


# Entered when the controller is reached, as far as that shows; its first probe proves it.
OpenSession = Callable[[], AbstractAsyncContextManager[TagSession]]

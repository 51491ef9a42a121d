"""Where an edge gets the batches from that it checks codes against."""

from contextlib import AsyncExitStack

from domain.production.own_batches import OwnBatches
from domain.production.ports import BatchSource, SourcedBatch
from drivers.factory.batches import FactoryBatches
from drivers.factory.graph import FactoryGraph
from drivers.factory.token import DeviceToken
from oktograph.core import Core


class EdgeBatches:
    """A `BatchSource`: this edge's own first, which needs no factory."""

    def __init__(self, *sources: BatchSource) -> None:
        self._sources = sources

    async def find(self, customer_id: int, key: str) -> SourcedBatch | None:
        for source in self._sources:
            found = await source.find(customer_id, key)
            if found is not None:
                return found
        return None


def open_batches(core: Core, token: DeviceToken, stack: AsyncExitStack) -> EdgeBatches:
    """`stack` takes it down again."""
    own = OwnBatches(core.database)
    if not core.settings.factory_url:
        return EdgeBatches(own)
    graph = FactoryGraph(core.settings.factory_url, token)
    stack.push_async_callback(graph.aclose)
    return EdgeBatches(own, FactoryBatches(graph))

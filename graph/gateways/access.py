"""What the use cases of gateways share."""

from domain.gateways.ports import GatewayServices
from domain.kernel.errors import Unavailable
from graph.context import Context


def services(context: Context) -> GatewayServices:
    """Raises Unavailable where no gateways are let in, on an edge."""
    if context.services.gateways is None:
        raise Unavailable("No gateways are let in here")
    return context.services.gateways

"""A cloud for demo and tests: the real protocol on a real socket, its state in memory."""

from drivers.cloud.simulator.server import RunningCloud, running_cloud, serve_cloud
from drivers.cloud.simulator.state import CloudState

__all__ = ["CloudState", "RunningCloud", "running_cloud", "serve_cloud"]

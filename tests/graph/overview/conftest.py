"""An edge beside a cloud on a real socket."""

from tests.support.edge_fixtures import client, closed_port, cloud, edge, secrets

__all__ = ["client", "closed_port", "cloud", "edge", "secrets"]

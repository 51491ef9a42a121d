"""Writes of gateways inside a given unit of work."""

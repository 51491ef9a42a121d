"""Writes of fleet inside a given unit of work."""

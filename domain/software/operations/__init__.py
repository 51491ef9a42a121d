"""Writes of software inside a given unit of work."""

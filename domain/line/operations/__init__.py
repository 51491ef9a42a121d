"""Writes of the line inside a given unit of work."""

"""Writes of synchronisation inside a given unit of work; none of them commits or calls out."""

"""Writes of production inside a given unit of work; composable, none of them commits."""

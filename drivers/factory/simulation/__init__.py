"""Edges without a line, a disk or a database: real peers of a factory, light enough for hundreds
in one process. For tests, for the demo, for measuring and for `oktograph simulate edges`."""

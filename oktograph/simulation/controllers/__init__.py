"""A simulated controller with points, on each of the protocols; what a driver is told of it."""

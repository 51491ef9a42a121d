"""What calling a cloud and calling a factory have in common: HTTP, retries, bounds, errors."""

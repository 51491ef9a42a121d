"""Configuration files of devices that understand nothing else: bytes, kept as they came."""

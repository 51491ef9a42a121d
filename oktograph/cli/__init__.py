"""The command `oktograph`."""

from oktograph.cli.main import main

__all__ = ["main"]

"""Gateways: what connects worn scanners to this installation, and how each is let in once."""

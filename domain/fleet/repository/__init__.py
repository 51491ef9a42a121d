"""Statements of fleet."""

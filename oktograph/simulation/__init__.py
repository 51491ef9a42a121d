"""Simulated devices as people meet them: what they hold, the words they obey, their bad days."""

"""What OKTO's two services, edge and factory, have in common: envelope, refusals, login, health."""

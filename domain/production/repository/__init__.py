"""Every SQL statement of production, one module a table; the two scan stores are the hot path."""

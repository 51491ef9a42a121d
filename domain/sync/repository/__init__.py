"""Every SQL statement of synchronisation, scoped to one customer."""

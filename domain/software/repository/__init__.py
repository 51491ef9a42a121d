"""Every SQL statement of software, scoped to one customer."""

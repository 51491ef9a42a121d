"""Every SQL statement of gateways."""

"""What people choose from and may edit while everything runs: cloud endpoints, sites, variants."""

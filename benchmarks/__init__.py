"""What it costs, measured on this machine against what it is compared with: `make bench`."""

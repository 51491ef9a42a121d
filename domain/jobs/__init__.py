"""Jobs: spans of work between two barcodes, found in the scans of gateways."""

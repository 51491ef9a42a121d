"""What a port answers, and how it is served."""

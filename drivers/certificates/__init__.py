"""The installation's own certificate authority, and what is made of its certificates."""

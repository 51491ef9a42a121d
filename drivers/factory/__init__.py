"""The edge's end of the link to its factory."""

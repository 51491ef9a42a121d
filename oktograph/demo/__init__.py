"""A whole site to look at: a line, a cloud, a factory with four edges."""

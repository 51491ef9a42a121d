"""One process of a factory, and what starts several."""

"""One edge: its line, its queue, its factory's commands."""

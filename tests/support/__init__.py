"""What several tests share. Nothing here stands in for a module of the platform."""

"""4 What could be known about them on that day."""

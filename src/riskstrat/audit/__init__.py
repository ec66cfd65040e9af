"""6 Is it right, for whom, and why."""

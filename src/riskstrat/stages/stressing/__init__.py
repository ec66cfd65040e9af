"""A finished run's model under stress: drills, and what came of them in its report."""

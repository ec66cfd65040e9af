"""3 Who is in scope at each as-of date, and what came next."""

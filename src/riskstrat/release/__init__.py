"""7 What may leave, and to whom."""

"""A registered version held against a new period."""

"""Finished files read as a stranger would, before anybody has them."""

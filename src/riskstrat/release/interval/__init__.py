"""What follows from all tables of a release together, and from earlier ones."""

"""The rival that can be read in full: one curve for each feature, and what it costs to use it."""

"""How much a model owes to one agency, place or year, or to chance; and would a leak be seen."""

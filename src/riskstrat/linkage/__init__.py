"""2 Records become people and households; identifiers stop here."""

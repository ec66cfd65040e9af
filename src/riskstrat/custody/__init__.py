"""2a Split custody: identifiers, keys and content, never in one pair of hands."""

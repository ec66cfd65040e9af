"""The board's pack: every document that a decision about a model rests on, from one run."""

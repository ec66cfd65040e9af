"""2b Who is in which bucket, with every row that may be read for them beside them."""

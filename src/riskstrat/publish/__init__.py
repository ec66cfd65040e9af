"""9 Protected tables as charts, tables and reports."""

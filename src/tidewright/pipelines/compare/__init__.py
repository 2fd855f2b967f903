"""Is the lake what the source is? Compared at a cut, row by row, by a path of its own.

The source is read as CSV and typed by DuckDB, the lake through its Iceberg metadata by DuckDB:
neither the feed's decoder nor the worker's casts take part, so that they are tested by it.
``tables`` compares one table, ``rawlog`` holds the raw log against the current state.
"""

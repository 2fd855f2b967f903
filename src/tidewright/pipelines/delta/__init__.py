"""Delta tables as this platform writes them: rows and position in one Delta commit.

``table`` opens, commits and reads one table, ``files`` writes its Parquet files to disk for good,
``care`` merges small files and removes what no reader needs any more. The Delta protocol itself
is the ``deltalake`` library's, an extra that is installed when a flow asks for it.
"""

"""Tables kept from a stream: the file that creates ClickHouse's tables and views, kept here by us.

``plan`` reads that file and refuses what cannot be kept exactly, ``feed`` turns new rows into
partial results with DuckDB, ``keeping`` adds those to PostgreSQL together with the position, and
``loop`` does so again and again.
"""

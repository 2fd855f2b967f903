"""The lake writer: Iceberg v2 tables, many of them moved by one database transaction.

``store`` opens a lake and owns the only commit; ``table`` is one live table with what is staged for
it. Below them ``files`` (Parquet), ``manifests`` (Avro), ``metadata`` (JSON), ``schema`` (columns
and their changes) and ``catalog`` (PostgreSQL). ``care`` removes what nothing needs any more.
``reader`` pins one commit for those who only read, with psycopg alone.
"""

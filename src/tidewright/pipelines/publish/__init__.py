"""Marts: results brought to a PostgreSQL database, all of a refresh in one transaction.

``mart`` has the nouns, ``types`` the type map from DuckDB, ``extract`` reads a model as CSV text,
``shape`` makes a table fit its model, ``merge`` writes the differences, ``publisher`` is the one
transaction around it all. Readers never wait; grants and views survive.
"""

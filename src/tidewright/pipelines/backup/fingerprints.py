"""Every table of a database as two numbers: how many rows, and a sum that no order changes."""

from __future__ import annotations

from typing import Any

import psycopg
from psycopg import sql

from tidewright.model import backups

_TABLES = """
select n.nspname, c.relname from pg_class c join pg_namespace n on n.oid = c.relnamespace
where c.relkind in ('r', 'm') and c.relpersistence = 'p'
  and n.nspname !~ '^(pg_|information_schema$)' order by 1, 2
"""
# Settings that shape a value's text are fixed, so that another session says the same.
_FIXED = "set local timezone = 'UTC'; set local datestyle = 'ISO'; set local extra_float_digits = 1"


def of_database(
    view: psycopg.Connection[Any], server: str, database: str
) -> tuple[backups.Fingerprint, ...]:
    """All tables that ``view``, inside a transaction, shows."""
    view.execute(_FIXED)
    return tuple(
        _of_table(view, server, database, schema, table)
        for schema, table in view.execute(_TABLES).fetchall()
    )


def _of_table(
    view: psycopg.Connection[Any], server: str, database: str, schema: str, table: str
) -> backups.Fingerprint:
    query = sql.SQL(
        "select count(*), coalesce(sum(hashtextextended(t::text, 0)::numeric), 0)::text"
        " from only {} t"
    ).format(sql.Identifier(schema, table))
    row = view.execute(query).fetchone()
    assert row is not None
    return backups.Fingerprint(server, database, f"{schema}.{table}", row[0], row[1])

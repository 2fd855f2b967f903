"""The layout of the log server: one append-only table for each topic, and who appended how far.

Made by the grants task before anybody starts. ``pipelines.topic`` appends, capture carries on.
"""

from __future__ import annotations

from typing import Any

import psycopg
from psycopg import sql

SCHEMA = "topics"
COLUMNS = ("topic_offset", "at", "key", "value")

# ``producers`` is the ledger: what each producer ever appended, in the transaction that did so.
# ``checksum`` is the sum of ``records.number`` over its events, ``state`` the producer's own.
LEDGER = """
create table if not exists ledger.producers (
  topic text not null, producer text not null, sequence bigint not null, events bigint not null,
  checksum numeric not null, state text, at timestamptz not null default clock_timestamp(),
  primary key (topic, producer))
"""
# Rows go as fast as they come: without this a minute's worth of removed ones stays in the way.
TOPIC = """
create table if not exists {} (
  topic_offset bigint generated always as identity primary key,
  at timestamptz not null default clock_timestamp(), key text, value text not null)
with (autovacuum_vacuum_scale_factor = 0, autovacuum_vacuum_threshold = 50000,
  autovacuum_vacuum_insert_threshold = -1, autovacuum_vacuum_cost_delay = 0,
  autovacuum_analyze_threshold = 1000000, vacuum_truncate = false)
"""


def prepare(conn: psycopg.Connection[Any], topics: tuple[str, ...]) -> None:
    """Make what is missing, as the owner that ``conn`` is."""
    conn.execute("create schema if not exists topics")
    conn.execute("create schema if not exists ledger")
    conn.execute(LEDGER)
    for name in topics:
        conn.execute(sql.SQL(TOPIC).format(table(name)))


def table(topic: str) -> sql.Identifier:
    """The topic's table, as SQL."""
    return sql.Identifier(SCHEMA, topic)

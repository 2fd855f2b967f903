"""Codes of checking a source before anything runs; those of running are in ``source_codes``."""

from __future__ import annotations

from collections.abc import Mapping

from tidewright.errors.codes import Code

CODES: Mapping[str, Code] = {
    "source.chatter": Code(
        "The server logs each read of the slot",
        "PostgreSQL writes five lines at level LOG whenever decoding starts, which is several times"
        " a second here.",
        "Run the statement in the message as a superuser; errors reach the platform anyway.",
    ),
    "source.encoding": Code(
        "The database is not UTF8",
        "Changes are carried as the server's bytes; only UTF8 is read exactly.",
        "Create the database anew with encoding 'UTF8'.",
    ),
    "source.in_clear": Code(
        "The connection is not encrypted",
        "The server is on another machine and the session uses no TLS.",
        "Add ?sslmode=verify-full to the URL and switch ssl on at the server.",
    ),
    "source.nothing_to_capture": Code(
        "Nothing in the database can be captured",
        "No ordinary table has a primary key, or a unique index as replica identity.",
        "Give the tables primary keys.",
    ),
    "source.older": Code(
        "The platform cannot call pg_log_standby_snapshot()",
        "It exists from PostgreSQL 16 on, for superusers and grantees. Without it the server"
        " moves the start of decoding every 15 seconds only: each read decodes again what came"
        " since, and the slot keeps that much more WAL. Nothing is lost by it.",
        "Grant it where the message says so; otherwise upgrade when you can.",
    ),
    "source.publication": Code(
        "The publication is missing or incomplete",
        "It does not carry every captured table, and this role may not change it.",
        "Run the statement in the message as the owner of the tables.",
        lasting=True,
    ),
    "source.version": Code(
        "The server's version is not supported",
        "PostgreSQL 14 to 18 are supported.",
        "Upgrade the server, or capture from another.",
    ),
    "source.wal_cap": Code(
        "Nothing bounds the WAL that a slot keeps",
        "While nobody reads a slot the server keeps WAL for it until the disk is full.",
        "Set max_slot_wal_keep_size at the server; past it the slot is lost and copied anew.",
    ),
}

"""Codes of connecting to a PostgreSQL server; what is wrong inside one is in ``source_codes``."""

from __future__ import annotations

from collections.abc import Mapping

from tidewright.errors.codes import Code

CODES: Mapping[str, Code] = {
    "source.grants": Code(
        "A role or database could not be made",
        "A bundled server refused a statement while its roles and databases were set up.",
        "Correct what the server says; it is tried again at the next start.",
    ),
    "source.no_database": Code(
        "The database does not exist",
        "The server answered and has no database of that name.",
        "Create it, or correct the name in the URL.",
        lasting=True,
    ),
    "source.no_role": Code(
        "The user may not log in",
        "The role does not exist, or lacks LOGIN.",
        "Create the role with LOGIN, or correct the name in the URL.",
        lasting=True,
    ),
    "source.not_admitted": Code(
        "The server does not admit this user from here",
        "No line of pg_hba.conf matches user, database, address and encryption.",
        "Add a line for them to pg_hba.conf and reload the server.",
        lasting=True,
    ),
    "source.password": Code(
        "The password was refused",
        "The stored secret is not, or no longer, the role's password.",
        "Store the right one with `tidewright connect --set-secret NAME`.",
        lasting=True,
    ),
    "source.tls": Code(
        "No encrypted connection could be agreed on",
        "sslmode asks for what the server does not offer, or its certificate did not verify.",
        "Match sslmode in the URL with the server; name its root certificate with sslrootcert.",
        lasting=True,
    ),
    "source.too_many": Code(
        "The server has no free connection",
        "max_connections is reached.",
        "Raise max_connections or close idle sessions; it is tried again by itself.",
    ),
    "source.unreachable": Code(
        "The server cannot be reached",
        "It is down, starting, or host and port are wrong, or the network is in the way.",
        "Start it or correct the URL; running services try again by themselves.",
    ),
    "source.url": Code(
        "The secret holds no PostgreSQL URL",
        "A source's `url` must be a secret with a whole `postgres://` URL.",
        "Store postgres://user:password@host:5432/database?sslmode=verify-full",
        lasting=True,
    ),
}

"""The one place that connects to PostgreSQL: connection records in, psycopg connections out.

Every failure becomes a PlatformError that says which of host, password and database was wrong.
No password reaches a text: libpq gets it as a parameter, and only libpq's reason is repeated.
"""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

import psycopg
from psycopg import conninfo

from tidewright import errors
from tidewright.model import flow
from tidewright.vault import files as vault

TIMEOUT = 10
_FILES = ("sslrootcert", "sslcert", "sslkey", "sslcrl", "passfile")
_SYSTEM = "system"  # sslrootcert may name the CAs that the machine trusts
KEEPALIVE = {
    "keepalives": 1,
    "keepalives_idle": 15,
    "keepalives_interval": 5,
    "keepalives_count": 3,
}
# libpq gives no SQLSTATE for a failed login, but the server always writes these in its fatal line
# when lc_messages is English or absent; anything else falls back to "unreachable".
_REASONS = (
    ("password", re.compile(r"password authentication failed|no password supplied|SCRAM")),
    ("no_database", re.compile(r'database "[^"]*" does not exist')),
    ("no_role", re.compile(r'role "[^"]*" does not exist|is not permitted to log in')),
    # A server that goes down in the middle of a handshake says SSL as well.
    ("unreachable", re.compile(r"SSL SYSCALL|SSL connection has been closed|closed unexpectedly")),
    ("tls", re.compile(r"SSL|certificate|no pg_hba.conf entry.*no encryption")),
    ("not_admitted", re.compile(r"no pg_hba\.conf entry|pg_hba\.conf rejects|permission denied")),
    ("too_many", re.compile(r"too many clients|remaining connection slots|too many connections")),
)
_WHAT = {
    "password": (
        "the password was refused",
        "Store the right one: tidewright connect --set-secret NAME",
    ),
    "no_database": ("the database does not exist", "Create it, or correct the name in the URL."),
    "no_role": (
        "the user does not exist or may not log in",
        "Create the role with LOGIN, or correct the name.",
    ),
    "tls": (
        "an encrypted connection could not be agreed on",
        "Match sslmode in the URL with what the server offers.",
    ),
    "not_admitted": (
        "the server's pg_hba.conf does not admit this user from here",
        "Add a line for it and reload.",
    ),
    "too_many": (
        "the server has no free connection",
        "Raise max_connections or close idle sessions.",
    ),
    "unreachable": (
        "the server cannot be reached",
        "Start it, or correct host and port; check the network.",
    ),
}
# Of the many ways to miss an encrypted connection, each has its own remedy; the first that fits.
_TLS = (
    (
        re.compile(r"does not support SSL"),
        "At the server, with its certificate and key in place (ssl_cert_file, ssl_key_file): "
        "ALTER SYSTEM SET ssl = on; SELECT pg_reload_conf();",
    ),
    (
        re.compile(r"no encryption"),
        "The server admits encrypted connections only: end the URL with ?sslmode=verify-full"
        "&sslrootcert=/path/of/the/ca.crt, or with ?sslmode=require where it has no known CA.",
    ),
    (
        re.compile(r"does not match host name"),
        "Name the server in the URL as its certificate does; ?hostaddr=ADDRESS says where it is.",
    ),
    (
        re.compile(r"root certificate|certificate verify failed"),
        "Put the certificate of the server's CA into a file and end the URL with "
        "?sslmode=verify-full&sslrootcert=/path/of/the/ca.crt",
    ),
)
_TRANSIENT = frozenset({"unreachable", "too_many"})


class ConnectFailed(errors.StepFailed):
    """A connection that trying again alone will not mend."""


class NotThere(ConnectFailed, errors.Transient):
    """The server is down, starting or full: the same call may succeed later."""


def connect(connection: flow.Connection, secrets: Path | str, **options: Any) -> psycopg.Connection:
    """Open a connection, autocommit unless said. ``options`` go to psycopg and libpq."""
    parameters: dict[str, Any] = {"application_name": "tidewright", "connect_timeout": TIMEOUT}
    parameters |= KEEPALIVE | _parameters(connection, secrets) | {"autocommit": True} | options
    try:
        return psycopg.connect(**parameters)
    except psycopg.OperationalError as reason:
        raise failed(connection, parameters, str(reason)) from None


def url_parts(url: str) -> dict[str, str]:
    """What a ``postgres://`` URL says, as libpq parameters. Raises Refused without the URL."""
    if not url.startswith(("postgres://", "postgresql://")):
        raise _bad_url("it does not start with postgres://")
    try:
        parts = conninfo.conninfo_to_dict(url)
    except psycopg.ProgrammingError:
        raise _bad_url("libpq cannot read it") from None
    if not parts.get("host") or not parts.get("dbname"):
        raise _bad_url("it names no host or no database")
    for name in _FILES:
        if parts.get(name, _SYSTEM) != _SYSTEM and not Path(str(parts[name])).is_absolute():
            raise _bad_url(f"{name} is no absolute path, and services start in other folders")
    return {k: str(v) for k, v in parts.items() if v is not None}


def place(connection: flow.Connection) -> str:
    """How messages name a server: host, port and database, or the secret that holds the URL."""
    if connection.url is not None:
        return f"the server of {connection.url}"
    return f"{connection.host}:{connection.port}/{connection.database}"


def _parameters(connection: flow.Connection, secrets: Path | str) -> dict[str, Any]:
    if connection.url is not None:
        return {"sslmode": "prefer", **url_parts(vault.read(secrets, connection.url.name))}
    found: dict[str, Any] = {
        "host": str(connection.host),
        "port": str(connection.port),
        "dbname": connection.database,
        "user": connection.user,
        "sslmode": connection.tls,
    }
    if connection.password is not None:
        found["password"] = vault.read(secrets, connection.password.name)
    return found


def failed(connection: flow.Connection, parameters: dict[str, Any], text: str) -> ConnectFailed:
    """The error for libpq's ``text``; ``parameters`` are those that it was given."""
    kind = next((k for k, pattern in _REASONS if pattern.search(text)), "unreachable")
    what, hint = _WHAT[kind]
    if kind == "tls":
        hint = next((told for pattern, told in _TLS if pattern.search(text)), hint)
    where = f"{parameters.get('host')}:{parameters.get('port', 5432)}/{parameters.get('dbname')}"
    family = NotThere if kind in _TRANSIENT else ConnectFailed
    user = parameters.get("user") or "the default user"
    told = f"{what} (user {user}): {_reason(text, parameters.get('password'))}"
    if connection.url is not None:
        hint = hint.replace("NAME", connection.url.name)
    return family(f"source.{kind}", told, where, hint)


def _reason(text: str, password: object) -> str:
    """The cause in the words of libpq; a server may echo a password, so it is cut out."""
    line = (text.strip() or "no reason given").splitlines()[0]
    line = re.sub(r"^.*?port \d+ failed: ", "", line)
    return line.replace(str(password), "***") if password else line


def _bad_url(why: str) -> errors.Refused:
    return errors.Refused(
        "source.url",
        f"the value is not a PostgreSQL URL: {why}",
        "the secret that holds the URL",
        "Write postgres://user:password@host:5432/database?sslmode=verify-full",
    )

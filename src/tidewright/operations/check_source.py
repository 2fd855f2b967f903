"""``check`` against a PostgreSQL of the user's own: what capture needs there, as exact SQL.

Only reads. One function per need, each yielding what is missing and the statement that mends it;
all are asked before anything is said. ``advice`` is worth doing and holds nothing up.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import TypeAlias

from tidewright import errors
from tidewright.model import flow
from tidewright.pipelines.feeds import publications, session, tables

OLDEST, NEWEST = 14, 18
# The lasting slot, and a temporary one for first copies and for verify.
SLOTS = 2
LOOPBACK = ("127.0.0.1", "::1", "localhost", "")


@dataclass(frozen=True, slots=True)
class Missing:
    """One thing that is missing. ``table`` is set when it concerns one table."""

    code: str
    what: str
    do: str
    table: str | None = None
    advice: bool = False


@dataclass(frozen=True, slots=True)
class Subject:
    """What is checked: an open session, the source and its captured tables."""

    link: session.Session
    source: flow.PostgresSource
    tables: tuple[str, ...]

    def one(self, query: str, *values: object) -> tuple[object, ...]:
        return self.link.ask(query, *values)[0]

    @property
    def version(self) -> int:
        return self.link.open().info.server_version // 10000


Rule: TypeAlias = Callable[[Subject], Iterator[Missing]]


def check(
    source: flow.PostgresSource, captured: tuple[str, ...], secrets: Path
) -> tuple[Missing, ...]:
    """Everything that is missing at a source. A server that cannot be reached raises."""
    link = session.Session(source.connection, secrets)
    try:
        subject = Subject(link, source, captured)
        if not OLDEST <= subject.version <= NEWEST:
            return tuple(version(subject))
        return tuple(m for rule in RULES for m in rule(subject))
    finally:
        link.close()


def version(subject: Subject) -> Iterator[Missing]:
    found = subject.version
    if not OLDEST <= found <= NEWEST:
        what = f"the server is PostgreSQL {found}; {OLDEST} to {NEWEST} are supported"
        yield Missing("source.version", what, "Upgrade the server, or capture from another.")
    elif found < 16:
        what = (
            f"PostgreSQL {found} has no pg_log_standby_snapshot(): each read of the slot decodes "
            "up to 15 seconds of WAL again, and the slot keeps that much more"
        )
        yield Missing("source.older", what, "Nothing is wrong; upgrade when you can.", advice=True)


def primary(subject: Subject) -> Iterator[Missing]:
    if subject.one("select pg_is_in_recovery()")[0]:
        what = "the server is a standby; changes are captured from the primary only"
        yield Missing("source.standby", what, "Point the URL at the primary.")


def encoding(subject: Subject) -> Iterator[Missing]:
    (found,) = subject.one("select current_setting('server_encoding')")
    if found != "UTF8":
        what = f"the database is encoded in {found}; only UTF8 is captured exactly"
        yield Missing("source.encoding", what, "Create the database anew with encoding 'UTF8'.")


def wal_level(subject: Subject) -> Iterator[Missing]:
    (found,) = subject.one("select current_setting('wal_level')")
    if found != "logical":
        statement = "ALTER SYSTEM SET wal_level = 'logical';  -- then restart the server"
        yield Missing("source.wal_level", f"wal_level is {found}, not logical", statement)


def role(subject: Subject) -> Iterator[Missing]:
    """A cloud's own role may give the attribute; PostgreSQL itself knows only the attribute."""
    query = (
        "select current_user::text, rolreplication or rolsuper or exists (select from pg_roles g"
        " where g.rolname in ('rds_replication', 'cloudsqlreplication', 'azure_pg_admin')"
        " and pg_has_role(current_user, g.oid, 'member'))"
        " from pg_roles where rolname = current_user"
    )
    name, replicates = subject.one(query)
    if not replicates:
        statement = f"ALTER ROLE {tables.identifier(str(name))} REPLICATION;"
        yield Missing("source.rights", f"the role {name} may not replicate", statement)


def schemas(subject: Subject) -> Iterator[Missing]:
    found = subject.link.ask(
        "select nspname::text, current_user::text from pg_namespace"
        " where nspname = any(%s) and not has_schema_privilege(oid, 'usage') order by 1",
        [t.partition(".")[0] for t in subject.tables],
    )
    for schema, user in found:
        grantee = tables.identifier(user)
        statement = f"GRANT USAGE ON SCHEMA {tables.identifier(schema)} TO {grantee};"
        yield Missing("source.rights", f"{user} may not use the schema {schema}", statement)


def reading(subject: Subject) -> Iterator[Missing]:
    """The table is there, may be read, and has something that names a row."""
    for table in subject.tables:
        found = subject.link.ask(
            "select current_user::text, has_table_privilege(c.oid, 'select')"
            " from pg_class c join pg_namespace n on n.oid = c.relnamespace"
            " where n.nspname = %s and c.relname = %s",
            *table.split(".", 1),
        )
        if not found:
            what = f"the table {table} does not exist"
            yield Missing("source.table_missing", what, "Create it, or correct its name.", table)
            continue
        user, readable = found[0]
        if not readable:
            statement = f"GRANT SELECT ON {tables.quoted(table)} TO {tables.identifier(user)};"
            yield Missing("source.rights", f"{user} may not read {table}", statement, table)
        yield from _identity(subject, table)


def _identity(subject: Subject, table: str) -> Iterator[Missing]:
    found = tables.describe(subject.link, table)
    if found.reason is None:
        return
    name = tables.quoted(table)
    if found.identity == "n" and found.primary:
        statement = f"ALTER TABLE {name} REPLICA IDENTITY DEFAULT;"
    elif not found.primary and "key" in found.reason:
        statement = f"ALTER TABLE {name} ADD PRIMARY KEY (...);  -- the columns that name a row"
    else:
        statement = "Leave it out of the flow."
    what = f"{table} cannot be captured: {found.reason}"
    yield Missing("source.table_unfit", what, statement, table)


def publication(subject: Subject) -> Iterator[Missing]:
    """There and complete, or this role may make it so. Tables that are not there are not asked."""
    have = publications.published(subject.link, subject.source.publication)
    owned: dict[str, bool] = dict(
        subject.link.ask(
            "select n.nspname || '.' || c.relname, pg_has_role(c.relowner, 'usage')"
            " from pg_class c join pg_namespace n on n.oid = c.relnamespace"
            " where n.nspname || '.' || c.relname = any(%s)",
            [t for t in subject.tables if t not in (have or ())],
        )
    )
    if not owned or (all(owned.values()) and _may_publish(subject, new=have is None)):
        return
    name = subject.source.publication
    lacks = "does not exist" if have is None else f"lacks {', '.join(sorted(owned))}"
    statement = publications.statement(name, sorted(owned), new=have is None)
    what = f"the publication {name} {lacks}, and this role may not make it so"
    yield Missing("source.publication", what, f"{statement}  -- as the tables' owner")


def _may_publish(subject: Subject, *, new: bool) -> bool:
    """Whether the role may create a publication, or owns the one that is there."""
    (may,) = subject.one(
        "select case when %s then has_database_privilege(current_database(), 'create')"
        " else (select pg_has_role(pubowner, 'usage') from pg_publication where pubname = %s) end",
        new,
        subject.source.publication,
    )
    return bool(may)


def slots(subject: Subject) -> Iterator[Missing]:
    total, used, ours = subject.one(
        "select current_setting('max_replication_slots')::int, count(*)::int,"
        " (count(*) filter (where slot_name = %s))::int from pg_replication_slots",
        subject.source.slot,
    )
    assert isinstance(total, int) and isinstance(used, int) and isinstance(ours, int)
    needed = used + SLOTS - ours
    if needed > total:
        what = f"{total - used} of {total} replication slots are free; {SLOTS - ours} are needed"
        statement = f"ALTER SYSTEM SET max_replication_slots = {needed};  -- then restart"
        yield Missing("source.no_free_slot", what, statement)


def senders(subject: Subject) -> Iterator[Missing]:
    total, used = subject.one(
        "select current_setting('max_wal_senders')::int,"
        " (select count(*) from pg_stat_replication)::int"
    )
    assert isinstance(total, int) and isinstance(used, int)
    if total - used < 1:
        what = f"all {total} WAL senders are in use; a first copy needs one for a moment"
        statement = f"ALTER SYSTEM SET max_wal_senders = {used + 1};  -- then restart the server"
        yield Missing("source.no_free_slot", what, statement)


def snapshots(subject: Subject) -> Iterator[Missing]:
    """From PostgreSQL 16 on there is the function, and nobody but a superuser may call it."""
    query = (
        "select current_user::text from pg_proc p where p.proname = 'pg_log_standby_snapshot'"
        " and not has_function_privilege(p.oid, 'execute')"
    )
    for (user,) in subject.link.ask(query):
        grantee = tables.identifier(user)
        statement = f"GRANT EXECUTE ON FUNCTION pg_log_standby_snapshot() TO {grantee};"
        what = f"{user} may not call pg_log_standby_snapshot(): up to 15 seconds of WAL are decoded"
        yield Missing("source.older", f"{what} again at each read", statement, advice=True)


def chatter(subject: Subject) -> Iterator[Missing]:
    """Looking into a slot is a LOG message, which ranks just below FATAL."""
    user, level = subject.one("select current_user::text, current_setting('log_min_messages')")
    if level not in ("fatal", "panic"):
        what = "the server logs five lines at each read of the slot, several times a second"
        statement = f"ALTER ROLE {tables.identifier(str(user))} SET log_min_messages = 'fatal';"
        yield Missing("source.chatter", what, statement, advice=True)


def wal_cap(subject: Subject) -> Iterator[Missing]:
    (found,) = subject.one(
        "select setting::bigint from pg_settings where name = 'max_slot_wal_keep_size'"
    )
    if found == -1:
        what = "nothing bounds the WAL that a slot keeps while this platform is away"
        statement = "ALTER SYSTEM SET max_slot_wal_keep_size = '10GB'; SELECT pg_reload_conf();"
        yield Missing("source.wal_cap", what, statement, advice=True)


def encrypted(subject: Subject) -> Iterator[Missing]:
    live = subject.link.open()
    used = live.pgconn.ssl_in_use
    if not used and live.info.host not in LOOPBACK and not live.info.host.startswith("/"):
        what = "rows and statements travel over the network in clear text"
        statement = "Add ?sslmode=verify-full to the URL; at the server: ALTER SYSTEM SET ssl = on;"
        yield Missing("source.in_clear", what, statement, advice=True)


RULES: tuple[Rule, ...] = (
    version, primary, encoding, wal_level, role, schemas, reading, publication, slots, senders,
    snapshots, chatter, wal_cap, encrypted,
)  # fmt: skip


def unreachable(reason: errors.PlatformError) -> Missing:
    """A source that cannot be asked, as one more finding."""
    return Missing(reason.code, reason.what, reason.hint)

"""What the source's catalogs say of a table now: its columns, its key, what identifies a row.

The feed describes a table as of each change (``decode.relation``) but leaves out attribute numbers
and defaults, which decide whether a change of columns can be followed.
"""

from __future__ import annotations

from dataclasses import dataclass

from tidewright import errors
from tidewright.pipelines.decode import relation
from tidewright.pipelines.feeds import session


@dataclass(frozen=True, slots=True)
class SourceColumn:
    """A column of the catalog. ``number`` is never reused, whatever happens to the name.

    ``filled``: rows from before the column may hold a value that no change has carried.
    ``published``: generated columns are not sent by the feed. ``dropped``: the highest number of a
    dropped column below this one's, 0 when there is none.
    """

    number: int
    name: str
    type_oid: int
    typmod: int
    type_name: str
    required: bool
    filled: bool
    published: bool
    dropped: int = 0


@dataclass(frozen=True, slots=True)
class Described:
    """A table as of now. ``reason`` says why it cannot be captured, if so.

    ``numbered``: the highest number that a column of it ever had, dropped ones included.
    """

    oid: int
    identity: str
    columns: tuple[SourceColumn, ...]
    primary: tuple[str, ...]
    identified_by: tuple[str, ...]
    reason: str | None
    numbered: int = 0


_TABLE = """
select c.oid, c.relreplident::text, c.relkind::text, c.relpersistence::text, c.relnatts
from pg_class c join pg_namespace n on n.oid = c.relnamespace
where n.nspname = %s and c.relname = %s and c.relkind in ('r', 'p', 'f', 'v', 'm')
"""
# A domain's or an identity column's value fills old rows as a default does.
_COLUMNS = """
select a.attnum, a.attname::text, a.atttypid::bigint, a.atttypmod,
  format_type(a.atttypid, a.atttypmod), a.attnotnull,
  a.atthasdef or a.atthasmissing or a.attidentity <> '' or t.typdefault is not null,
  a.attgenerated = '',
  (select coalesce(max(d.attnum), 0) from pg_attribute d
   where d.attrelid = a.attrelid and d.attisdropped and d.attnum between 1 and a.attnum)
from pg_attribute a join pg_type t on t.oid = a.atttypid
where a.attrelid = %s and a.attnum > 0 and not a.attisdropped order by a.attnum
"""
_KEYS = """
select i.indisprimary, i.indisreplident, array_agg(a.attname::text order by k.n)
from pg_index i cross join unnest(i.indkey::smallint[]) with ordinality k(attnum, n)
join pg_attribute a on a.attrelid = i.indrelid and a.attnum = k.attnum
where i.indrelid = %s and (i.indisprimary or i.indisreplident) and k.n <= i.indnkeyatts
group by i.indexrelid, 1, 2
"""
FLOATS = (700, 701)  # real, double precision
_KINDS = {
    "p": "it is partitioned: capture its partitions by name",
    "f": "it is a foreign table",
    "v": "it is a view",
    "m": "it is a materialized view",
}


def describe(link: session.Session, table: str) -> Described:
    """Everything about one table; raises Refused when it is not there."""
    namespace, _, name = table.partition(".")
    found = link.ask(_TABLE, namespace, name)
    if not found:
        raise missing(link.place, table)
    oid, identity, kind, persistence, numbered = found[0]
    columns = tuple(SourceColumn(*row) for row in link.ask(_COLUMNS, oid))
    keys: dict[str, tuple[str, ...]] = {"primary": (), "index": ()}
    for primary, identity_index, names in link.ask(_KEYS, oid):
        keys |= {"primary": tuple(names)} if primary else {}
        keys |= {"index": tuple(names)} if identity_index else {}
    by_identity = {
        "d": keys["primary"], "i": keys["index"], "f": tuple(c.name for c in columns)
    }  # fmt: skip
    identified = by_identity.get(identity, ())
    reason = _KINDS.get(kind) or (None if persistence == "p" else "it is not written to the WAL")
    reason = reason or _alike(columns)
    return Described(
        oid,
        identity,
        columns,
        keys["primary"],
        identified,
        reason
        or _keyless(keys, identified)
        or _floating(keys["primary"] or keys["index"], columns),
        numbered,
    )


def relation_of(link: session.Session, table: str) -> relation.Relation:
    """The table as the feed would describe it now."""
    return as_relation(table, describe(link, table))


def as_relation(table: str, found: Described) -> relation.Relation:
    """What the feed's Relation message would say."""
    namespace, _, name = table.partition(".")
    columns = tuple(
        relation.Column(c.name, c.type_oid, c.typmod, c.name in found.identified_by)
        for c in found.columns
        if c.published
    )
    return relation.Relation(found.oid, namespace, name, found.identity, columns)


def require_readable(link: session.Session, table: str) -> None:
    """Refuse a table that this role may not read, before a copy of it begins."""
    namespace, _, name = table.partition(".")
    found = link.ask(
        "select current_user::text, has_schema_privilege(n.oid, 'usage'),"
        " has_table_privilege(c.oid, 'select')"
        " from pg_class c join pg_namespace n on n.oid = c.relnamespace"
        " where n.nspname = %s and c.relname = %s",
        namespace,
        name,
    )
    for user, enters, reads in found:
        if enters and reads:
            continue
        lack = (
            f"SELECT ON {quoted(table)}" if enters else f"USAGE ON SCHEMA {identifier(namespace)}"
        )
        raise errors.Refused(
            "source.rights", f"{user} may not read {table}", link.place,
            f"GRANT {lack} TO {identifier(user)};",
        )  # fmt: skip


def missing(place: str, table: str) -> errors.Refused:
    """The error for a table that is not there."""
    return errors.Refused(
        "source.table_missing", f"table {table} does not exist", place,
        "Create it, or correct its name (schema.table) in the flow.",
    )  # fmt: skip


def quoted(table: str) -> str:
    """The table's name as SQL."""
    return ".".join(identifier(part) for part in table.split(".", 1))


def identifier(name: str) -> str:
    """One name as SQL."""
    return '"' + name.replace('"', '""') + '"'


def _alike(columns: tuple[SourceColumn, ...]) -> str | None:
    alike = relation.alike([c.name for c in columns])
    return f"its columns {', '.join(alike)} differ by case only" if alike else None


def _floating(key: tuple[str, ...], columns: tuple[SourceColumn, ...]) -> str | None:
    for column in columns:
        if column.name in key and column.type_oid in FLOATS:
            return f"{column.name} of its key is a floating-point number, which Iceberg forbids"
    return None


def _keyless(keys: dict[str, tuple[str, ...]], identified: tuple[str, ...]) -> str | None:
    if not identified:
        return "it has no primary key and no replica identity, so a change names no row"
    if not keys["primary"] and not keys["index"]:
        return "it has no primary key, so equal rows cannot be told apart"
    return None

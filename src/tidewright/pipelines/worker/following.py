"""Making and finding the tables that a capture follows: schemas, keys, and facts of the source."""

from __future__ import annotations

import os
from collections.abc import Callable, Mapping, Sequence

from pyiceberg.partitioning import PartitionSpec
from pyiceberg.schema import Schema

from tidewright.model import flow
from tidewright.pipelines.decode import relation as relations
from tidewright.pipelines.decode import schema as schemas
from tidewright.pipelines.decode import types
from tidewright.pipelines.feeds import session
from tidewright.pipelines.feeds import tables as catalogs
from tidewright.pipelines.lake import current, raw, store
from tidewright.pipelines.lake import table as lake_table
from tidewright.pipelines.worker import evolve, tables

Make = Callable[[str, Schema, PartitionSpec, Mapping[str, str]], lake_table.Table]
KEY = "tidewright.key"


def make(
    capture: flow.Capture,
    name: str,
    described: catalogs.Described,
    shape: evolve.Shape,
    build: Make,
) -> tables.Followed:
    """Empty tables for ``name`` as the source describes it; raises when Iceberg cannot hold it."""
    relation = catalogs.as_relation(name, described)
    key = relations.key_of(relation, described.primary)
    known = facts(relation, described, key, shape)
    raw_columns = capture.raw_columns.get(name)
    schema = schemas.raw_schema(relation, raw_columns, key)
    mine = build(name, schemas.schema_of(relation, key), PartitionSpec(spec_id=0), known)
    raw_name = tables.raw_name(capture.raw_namespace, name)
    log = build(raw_name, schema, schemas.raw_partition(schema), {})
    return _followed(name, key, raw_columns, (mine, log))


def facts(
    relation: relations.Relation,
    described: catalogs.Described,
    key: tuple[str, ...],
    shape: evolve.Shape,
) -> Mapping[str, str]:
    """What is known of the source's table, as table properties."""
    known = tuple(
        evolve.Known(c.name, c.number, kind_of(relation, c.name))
        for c in described.columns
        if c.published
    )
    found = tables.properties(known, described.oid, described.numbered)
    return {**found, KEY: tables.key_text(key), **tables.shape_text(shape)}


def find(capture: flow.Capture, lake: store.Store, name: str) -> tables.Followed | None:
    """The table as it stands in the lake, its index rebuilt; None when it is not there.

    Raises when it came from another source than the lake's last commit.
    """
    mine = lake.table(name)
    log = lake.table(tables.raw_name(capture.raw_namespace, name))
    if mine is None or log is None:
        return None
    lake.check_source(mine)
    key = tables.known_key(mine.properties[KEY])
    return _followed(name, key, capture.raw_columns.get(name), (mine, log))


def _followed(
    name: str,
    key: tuple[str, ...],
    raw_columns: tuple[str, ...] | None,
    lake: tuple[lake_table.Table, lake_table.Table],
) -> tables.Followed:
    mine, log = lake
    return tables.Followed(
        name=name,
        key=key,
        raw_columns=raw_columns,
        current=current.CurrentTable(mine, key),
        raw=raw.RawTable(log),
        known=tables.known_columns(mine.properties),
        oid=int(mine.properties[tables.SOURCE_OID]),
        numbered=tables.known_numbers(mine.properties),
        shape=tables.known_shape(mine.properties),
        lake=lake,
    )


def kind_of(relation: relations.Relation, column: str) -> str:
    """The type a column is carried as, as text: what ``evolve`` compares."""
    found = next(c for c in relation.columns if c.name == column)
    return str(types.carried(found).arrow)


def live_key(link: session.Session, name: str) -> tuple[str, ...]:
    """The columns that tell the rows of ``name`` apart in the source now."""
    described = catalogs.describe(link, name)
    return relations.key_of(catalogs.as_relation(name, described), described.primary)


def live_columns(link: session.Session, name: str) -> Mapping[str, evolve.Live]:
    """The columns of ``name`` in the source's catalog now, by name."""
    described = catalogs.describe(link, name)
    relation = catalogs.as_relation(name, described)
    return {
        c.name: evolve.Live(c.name, c.number, kind_of(relation, c.name), c.filled, c.dropped)
        for c in described.columns
        if c.published
    }


SHAPES = """
select c.oid::bigint, c.relfilenode::bigint,
  md5(string_agg(a.attnum || ':' || a.xmin::text, ',' order by a.attnum) || (
    select coalesce(string_agg(i.indkey::text, ';' order by i.indisprimary, i.indkey::text), '')
    from pg_index i where i.indrelid = c.oid and (i.indisprimary or i.indisreplident)))
from pg_class c join pg_attribute a on a.attrelid = c.oid and a.attnum > 0
where c.oid = any(%s::oid[]) group by c.oid
"""


def shapes(link: session.Session, oids: Sequence[int]) -> Mapping[int, evolve.Shape]:
    """Where the source stores these tables now, by their oids; a dropped one is left out."""
    found = link.ask(SHAPES, [str(oid) for oid in oids])
    return {int(oid): evolve.Shape(int(node), str(columns)) for oid, node, columns in found}


def owner() -> str:
    """Who holds the lease, for a person who looks."""
    return f"capture, pid {os.getpid()}"

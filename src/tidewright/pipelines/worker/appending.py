"""Making and finding the raw log of a topic: a table that only grows, with no current state.

The facts of the source, which ``following`` keeps with the current state, lie with the log here.
"""

from __future__ import annotations

from tidewright.model import flow
from tidewright.pipelines.decode import relation as relations
from tidewright.pipelines.decode import schema as schemas
from tidewright.pipelines.feeds import tables as catalogs
from tidewright.pipelines.lake import raw, store
from tidewright.pipelines.lake import table as lake_table
from tidewright.pipelines.worker import evolve, following, nothing, tables


def make(
    capture: flow.Capture,
    name: str,
    described: catalogs.Described,
    shape: evolve.Shape,
    build: following.Make,
) -> tables.Followed:
    """An empty log for ``name`` as the source describes it."""
    relation = catalogs.as_relation(name, described)
    key = relations.key_of(relation, described.primary)
    facts = following.facts(relation, described, key, shape)
    schema = schemas.raw_schema(relation, capture.raw_columns.get(name), key)
    log = build(
        tables.raw_name(capture.raw_namespace, name), schema, schemas.raw_partition(schema), facts
    )
    return _followed(capture, name, key, log)


def find(capture: flow.Capture, lake: store.Store, name: str) -> tables.Followed | None:
    """The log as it stands in the lake; None when it is not there."""
    log = lake.table(tables.raw_name(capture.raw_namespace, name))
    if log is None:
        return None
    lake.check_source(log)
    return _followed(capture, name, tables.known_key(log.properties[following.KEY]), log)


def _followed(
    capture: flow.Capture, name: str, key: tuple[str, ...], log: lake_table.Table
) -> tables.Followed:
    return tables.Followed(
        name=name,
        key=key,
        raw_columns=capture.raw_columns.get(name),
        current=nothing.Nothing(),
        raw=raw.RawTable(log),
        known=tables.known_columns(log.properties),
        oid=int(log.properties[tables.SOURCE_OID]),
        numbered=tables.known_numbers(log.properties),
        shape=tables.known_shape(log.properties),
        lake=(log,),
    )

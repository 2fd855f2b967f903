"""A captured source as one Flink SQL job: every topic into its raw and its current table.

Pure. The names, columns and partitions are those of the laptop (``decode.rawrows``). One statement
set is one job, so one checkpoint commits every table of the source.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass

from tidewright.model import native
from tidewright.pipelines.decode import rawrows
from tidewright.pipelines.deploy import types
from tidewright.pipelines.feeds import tables

# The row of a change: the old one of a delete, the new one of everything else.
_ROW = """CASE WHEN JSON_VALUE(`value`, '$.op') = 'd' THEN JSON_QUERY(`value`, '$.before')
    ELSE JSON_QUERY(`value`, '$.after') END"""
_OWN = {
    "data": "STRING", "op": "STRING", "ts_ms": "BIGINT", "source_table": "STRING",
    "partition_date": "DATE", "_lsn": "BIGINT", "_xid": "BIGINT", "_seq": "BIGINT",
    "_partition": "INT",
}  # fmt: skip


# Each commit writes the table's metadata anew; old files of it serve nobody for long.
_KEPT = {
    "format-version": "2",
    "write.metadata.delete-after-commit.enabled": "true",
    "write.metadata.previous-versions-max": "100",
}


@dataclass(frozen=True, slots=True)
class Table:
    """One captured table. ``raw``: the columns that its raw table shows typed."""

    name: str
    columns: tuple[tables.SourceColumn, ...]
    key: tuple[str, ...]
    raw: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Place:
    """``catalog``: its name. ``brokers``: Kafka's address. ``group`` begins consumers' names."""

    catalog: str
    properties: Mapping[str, str]
    brokers: str
    group: str
    raw_namespace: str


def compiled(found: Sequence[Table], place: Place) -> str:
    """The whole script. Raises Unsupported for a type that the engines cannot carry.

    In the order of names: Flink knows an operator's state by its place in the job.
    """
    return "\n".join(_statements(sorted(found, key=lambda t: t.name), place)) + "\n"


def _statements(found: Sequence[Table], place: Place) -> Iterator[str]:
    yield "SET 'table.local-time-zone' = 'UTC';"
    yield f"CREATE CATALOG {_name(place.catalog)} WITH ({_options(place.properties)});"
    spaces = {place.raw_namespace, *(t.name.partition(".")[0] for t in found)}
    for space in sorted(spaces):
        yield f"CREATE DATABASE IF NOT EXISTS {_name(place.catalog)}.{_name(space)};"
    for number, table in enumerate(found):
        yield _current_table(table, place)
        yield _raw_table(table, place)
        yield _changes(table, place, number)
        yield _log(table, place, number)
    yield "EXECUTE STATEMENT SET BEGIN"
    for number, table in enumerate(found):
        yield _into_current(table, place, number)
        yield _into_raw(table, place, number)
    yield "END;"


def _current_table(table: Table, place: Place) -> str:
    kept = [
        _column(c, types.carried(table.name, c).lake, c.name in table.key) for c in table.columns
    ]
    key = f"PRIMARY KEY ({', '.join(map(_name, table.key))}) NOT ENFORCED"
    options = {**_KEPT, "write.upsert.enabled": "true"}
    return (
        f"CREATE TABLE IF NOT EXISTS {_current(table, place)} ({', '.join([*kept, key])})"
        f" WITH ({_options(options)});"
    )


def _raw_table(table: Table, place: Place) -> str:
    typed = {c.name: types.carried(table.name, c).lake for c in table.columns}
    shown = [f"{_name(rawrows.raw_name(n))} {typed[n]}" for n in table.raw]
    own = [f"{_name(name)} {kind}" for name, kind in _OWN.items()]
    return (
        f"CREATE TABLE IF NOT EXISTS {_raw(table, place)} ({', '.join(shown + own)})"
        f" PARTITIONED BY (`partition_date`, `source_table`)"
        f" WITH ({_options(_KEPT)});"
    )


def _changes(table: Table, place: Place, number: int) -> str:
    """The topic as a changelog: inserts, updates and deletes of rows."""
    fields = [
        _column(c, types.carried(table.name, c).source, c.name in table.key) for c in table.columns
    ]
    key = f"PRIMARY KEY ({', '.join(map(_name, table.key))}) NOT ENFORCED"
    options = {**_kafka(table, place, "current"), "format": "debezium-json"}
    return (
        f"CREATE TEMPORARY TABLE `changes_{number}` ({', '.join([*fields, key])})"
        f" WITH ({_options(options)});"
    )


def _log(table: Table, place: Place, number: int) -> str:
    """The same topic as text, with where in it each change lies."""
    fields = "`value` STRING, `partition` INT METADATA VIRTUAL, `offset` BIGINT METADATA VIRTUAL"
    options = {**_kafka(table, place, "raw"), "format": "raw"}
    return f"CREATE TEMPORARY TABLE `log_{number}` ({fields}) WITH ({_options(options)});"


def _into_current(table: Table, place: Place, number: int) -> str:
    read = [types.carried(table.name, c).read(_name(c.name)) for c in table.columns]
    return f"INSERT INTO {_current(table, place)} SELECT {', '.join(read)} FROM `changes_{number}`;"  # noqa: S608  quoted


def _into_raw(table: Table, place: Place, number: int) -> str:
    by_name = {c.name: c for c in table.columns}
    shown = [_shown(table, by_name[name]) for name in table.raw]
    when = "CAST(JSON_VALUE(`value`, '$.source.ts_ms') AS BIGINT)"
    own = [
        "`row`", "JSON_VALUE(`value`, '$.op')", when, f"CAST({_text(table.name)} AS STRING)",
        f"CAST(TO_TIMESTAMP_LTZ({when}, 3) AS DATE)",
        "CAST(JSON_VALUE(`value`, '$.source.lsn') AS BIGINT)",
        "CAST(JSON_VALUE(`value`, '$.source.txId') AS BIGINT)",
        "`offset`", "`partition`",
    ]  # fmt: skip
    return (
        f"INSERT INTO {_raw(table, place)} SELECT {', '.join(shown + own)}"  # noqa: S608  quoted
        f" FROM (SELECT *, {_ROW} AS `row` FROM `log_{number}`);"
    )


def _shown(table: Table, column: tables.SourceColumn) -> str:
    # A path in brackets, because a dot in a name is no step.
    path = "$['" + column.name.replace("\\", "\\\\").replace("'", "\\'") + "']"
    return types.from_text(types.carried(table.name, column), f"JSON_VALUE(`row`, {_text(path)})")


def _kafka(table: Table, place: Place, purpose: str) -> dict[str, str]:
    return {
        "connector": "kafka",
        "topic": native.topic(table.name),
        "properties.bootstrap.servers": place.brokers,
        "properties.group.id": f"{place.group}-{purpose}-{table.name}",
        "properties.isolation.level": "read_committed",
        # Only a job without a checkpoint begins here; any other begins where that one stood.
        "scan.startup.mode": "earliest-offset",
    }


def _current(table: Table, place: Place) -> str:
    space, _, name = table.name.partition(".")
    return ".".join(map(_name, (place.catalog, space, name)))


def _raw(table: Table, place: Place) -> str:
    name = table.name.partition(".")[2]
    return ".".join(map(_name, (place.catalog, place.raw_namespace, name)))


def _column(column: tables.SourceColumn, kind: str, is_key: bool) -> str:
    return f"{_name(column.name)} {kind}{' NOT NULL' if is_key else ''}"


def _options(options: Mapping[str, str]) -> str:
    return ", ".join(f"{_text(key)} = {_text(value)}" for key, value in options.items())


def _name(name: str) -> str:
    return "`" + name.replace("`", "``") + "`"


def _text(text: str) -> str:
    return "'" + text.replace("'", "''") + "'"

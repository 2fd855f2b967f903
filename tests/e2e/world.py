"""A database as strangers make them: odd names, odd types, and a load that nobody foresaw.

Made from a seed: tables, keys, columns, transactions, and changes of columns while all goes on.
Every transaction keeps one promise: the amounts of all tables add up to nothing. PyIceberg, which
knows nothing of us, must find that at every commit that is retained, and the very rows at the end.
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from decimal import Decimal
from pathlib import Path

import psycopg
import pyarrow as pa
import pyarrow.compute as pc
from psycopg import sql
from pyiceberg.table import StaticTable

from tests.e2e.rig import Rig

SCHEMAS = ("shop", "My Shop", "select", "größe")
TABLES = (
    "Order", "my table", "select", "Größen", 'a "quoted" one', "it's", "order-lines", "100%",
    "x" * 63, "日本", "plain", "C#", "tab\there", "a/b", "data", "~tilde~", "back\\slash", "[y]*?",
)  # fmt: skip
COLUMNS = (
    "op", "data", "_lsn", "src_data", "Mixed Case", "select", "from", 'say "hi"', "it's", "naïve",
    "a,b", "50%", "ts_ms", "_seq", "partition_date", "file_path", "pos", "filename", "日本", "a.b",
    "$1", "{x}", "back\\slash", "user", "TABLE", "_file", "rowid", "snapshot_id", "new\nline",
)  # fmt: skip
KEYS = ("id", "Key", "group by", "k,1", "data", "part.no", "op", "src_op")


@dataclass(frozen=True, slots=True)
class Kind:
    """A type, and SQL that makes a value of it from a whole number ``{n}``."""

    type: str
    value: str


KEY_KINDS = (
    Kind("bigint", "{n}"),
    Kind("int", "{n}"),
    Kind("text", "'k ' || {n}"),
    Kind("text", "'it''s \"' || {n} || '\", ' || chr(10) || '\\ ü'"),
    Kind("uuid", "md5({n}::text)::uuid"),
    Kind("date", "date '2020-01-01' + {n}"),
    Kind("varchar(40)", "repeat('z', {n} % 3) || {n}"),
    Kind("numeric(20, 3)", "{n} / 8.0"),
    Kind("bytea", "decode(md5({n}::text), 'hex')"),
    Kind("timestamptz", "timestamptz '2020-01-01 00:00+00' + {n} * interval '1.000001 s'"),
)
KINDS = (
    *KEY_KINDS,
    Kind("boolean", "{n} % 2 = 0"),
    Kind("smallint", "{n} % 32767"),
    Kind("double precision", "{n} / 3.0"),
    Kind("double precision", "case {n} % 3 when 0 then 'NaN' when 1 then '-inf' else '-0' end"
         "::float8"),
    Kind("real", "({n} / 7.0)::real"),
    Kind("numeric", "{n} * 1e-30 + 1e20"),
    Kind("numeric", "case when {n} % 2 = 0 then 'NaN'::numeric else 'Infinity' end"),
    Kind("time", "time '00:00' + {n} * interval '1.5 s'"),
    Kind("timestamp", "timestamp '1969-12-31 23:59:59.999999' + {n} * interval '1 us'"),
    Kind("jsonb", "jsonb_build_object('a', {n}, 'b', array['x', null, '\"'])"),
    Kind("json", "('{{\"n\": ' || {n} || ', \"n\": [1,  2]}}')::json"),
    Kind("int[]", "array[{n}, null, {n} * 2]"),
    Kind("text[]", "array['a,b', '\"', null, '', 'NULL']"),
    Kind("interval", "{n} * interval '1 month 2 days 03:04:05.6'"),
    Kind("inet", "'10.0.0.0'::inet + {n}"),
    Kind("int4range", "int4range({n}, {n} + 5)"),
    Kind("bit varying(20)", "({n} % 1000)::bit(10)"),
    Kind("money", "({n} / 100.0)::numeric::money"),
    Kind("mood", "(array['sad', 'o''k', 'very \"happy\"'])[1 + {n} % 3]::mood"),
    Kind("positive", "1 + {n}"),
    Kind("point", "point({n}, -{n})"),
    Kind("tsvector", "to_tsvector('simple', 'word ' || {n})"),
    Kind("xid", "({n} % 1000000)::text::xid"),
    Kind("oid", "{n}::oid"),
    Kind("char(7)", "{n} % 1000"),
    Kind("text", "repeat(md5({n}::text), 150)"),
    Kind("text", "''"),
    Kind("timetz", "timetz '12:00+02' + {n} * interval '1 s'"),
)  # fmt: skip


@dataclass(slots=True)
class Table:
    """``key`` and ``columns``: name -> kind; every table has a column ``amount`` besides.

    ``touched``: columns that were added or renamed since.
    """

    schema: str
    name: str
    key: dict[str, Kind]
    columns: dict[str, Kind]
    full: bool = False
    altered: bool = False
    touched: set[str] = field(default_factory=set)
    wiped: bool = False

    @property
    def dotted(self) -> str:
        return f"{self.schema}.{self.name}"

    @property
    def sql(self) -> sql.Identifier:
        return sql.Identifier(self.schema, self.name)


class World(Rig):
    """``with World(seed) as world: world.start(); world.load(3); world.settle(); world.judge()``"""

    TABLES = {}  # noqa: RUF012  the base says what it is

    def __init__(self, seed: int) -> None:
        super().__init__(seed)
        self.all: list[Table] = []
        self.number = 0
        self.altered = 0
        self.said: list[str] = []

    def __enter__(self) -> World:
        self._imagine()
        self.tables = {t.dotted: tuple(t.key) for t in self.all}
        super().__enter__()
        self._run("create type mood as enum ('sad', 'o''k', 'very \"happy\"')")
        self._run("create domain positive as bigint check (value > 0)")
        for table in self.all:
            self._make(table)
            self._insert(table, self.random.choice([0, 1, 30, 700]))
        return self

    # -- the schema ---------------------------------------------------------------------------

    def _imagine(self) -> None:
        pick = self.random
        names = pick.sample(TABLES, 4)
        for name in names:
            kinds = pick.sample(KEY_KINDS, pick.choice([1, 1, 2, 3]))
            keys = _apart(pick.sample(KEYS, len(kinds)), ["amount"])
            key = dict(zip(keys, kinds, strict=False))
            others = _apart(pick.sample(COLUMNS, pick.randint(3, 12)), [*key, "amount"])
            columns = {name: pick.choice(KINDS) for name in others}
            table = Table(pick.choice(SCHEMAS), name, key, columns, full=pick.random() < 0.3)
            self.all.append(table)

    def _make(self, table: Table) -> None:
        lines = [(n, k.type, "not null") for n, k in table.key.items()]
        lines += [(n, k.type, "") for n, k in table.columns.items()]
        self.random.shuffle(lines)
        lines.insert(self.random.randrange(len(lines)), ("amount", "numeric(30, 4)", "not null"))
        body = sql.SQL(", ").join(
            sql.SQL("{} {} {}").format(sql.Identifier(n), sql.SQL(t), sql.SQL(more))
            for n, t, more in lines
        )
        key = sql.SQL(", ").join(map(sql.Identifier, table.key))
        self._do("create schema if not exists {}", sql.Identifier(table.schema))
        self._do("create table {} ({}, primary key ({}))", table.sql, body, key)
        if table.full:
            self._do("alter table {} replica identity full", table.sql)
        for name, kind in table.columns.items():
            if kind.type == "text" and self.random.random() < 0.7:
                self._do(
                    "alter table {} alter column {} set storage external",
                    table.sql, sql.Identifier(name),
                )  # fmt: skip

    # -- the load -----------------------------------------------------------------------------

    def act(self) -> None:
        """One transaction of a random kind."""
        acts = [self._pay] * 5 + [self._add] * 3 + [self._remove] * 2 + [self._touch] * 4
        acts += [self._rekey] * 2 + [self._half] * 2 + [self._wipe_one, self._nothing, self._bulk]
        with self.source.transaction():
            for _ in range(self.random.choice([1, 1, 1, 2, 5])):
                self.random.choice(acts)()

    def alter(self) -> None:
        """A change of columns that can be followed, and a row that tells of it.

        Together with a truncate, which stores a table anew, it looks like a rewrite from outside,
        and stops the table: that is tried elsewhere. A column that changes twice before the worker
        looked stops it as well (documented), so each changes once.
        """
        fit = [t for t in self.all if not t.wiped]
        if not fit:
            return
        table = self.random.choice(fit)
        table.altered = True
        self.altered += 1
        change = self.random.choice(["add", "add", "drop", "rename"])
        fixed = [name for name in table.columns if name not in table.touched]
        if change == "add" or not fixed:
            free = [c for c in COLUMNS if _apart([c], [*table.key, *table.columns, "amount"])]
            kind = self.random.choice([k for k in KINDS if k.type != "positive"])
            if not free:
                return
            name = f"{self.random.choice(free)}{self.altered}"
            self._do(
                "alter table {} add column {} {}",
                table.sql, sql.Identifier(name), sql.SQL(kind.type),
            )  # fmt: skip
            table.columns[name] = kind
            table.touched.add(name)
        elif change == "drop":
            name = self.random.choice(fixed)
            self._do("alter table {} drop column {}", table.sql, sql.Identifier(name))
            del table.columns[name]
        else:
            name = self.random.choice(fixed)
            new = f"{name[:40]} {self.altered}"
            self._do(
                "alter table {} rename column {} to {}",
                table.sql, sql.Identifier(name), sql.Identifier(new),
            )  # fmt: skip
            table.columns[new] = table.columns.pop(name)
            table.touched.add(new)
        self._insert(table, 1)

    def cut_off(self) -> None:
        """Every connection of the worker ends, at whatever it is."""
        self._run(
            "select pg_terminate_backend(pid) from pg_stat_activity"
            " where pid <> pg_backend_pid() and usename is not null"
        )

    def _pay(self) -> None:
        """From one table to another."""
        first, second = self.random.choice(self.all), self.random.choice(self.all)
        amount = self.random.randint(-99999, 99999)
        giver = self._one(first)
        if giver and self._one(second):
            self._change(first, f"amount = amount - {amount} / 10000.0", giver)
            self._change(second, f"amount = amount + {amount} / 10000.0", self._one(second, 1))

    def _add(self) -> None:
        self._insert(self.random.choice(self.all), self.random.choice([1, 1, 2, 20]))

    def _bulk(self) -> None:
        if self.random.random() < 0.2:
            self._insert(self.random.choice(self.all), 3000)

    def _remove(self) -> None:
        """What was on it goes to another row, of any table; without one it stays."""
        table, other = self.random.choice(self.all), self.random.choice(self.all)
        gone, heir = self._one(table), self._one(other)
        if gone and heir and (table is not other or gone != heir):
            amount = self._amount(table, gone)
            self._change(other, f"amount = amount + ({amount})", heir)
            self._do("delete from {} where ctid = {}", table.sql, sql.Literal(gone))

    def _touch(self) -> None:
        self._touch_one(self.random.choice(self.all))

    def _touch_one(self, table: Table) -> None:
        """Other values in some columns of some rows; the long ones stay unsent."""
        names = self.random.sample(list(table.columns), min(2, len(table.columns)))
        self.number += 1
        sets = [f"{_quoted(n)} = {self._value(table.columns[n], self.number)}" for n in names]
        if sets:
            where = f"where ctid in (select ctid from {_name(table)} limit 9)"
            self._run(f"update {_name(table)} set {', '.join(sets)} {where}")

    def _rekey(self) -> None:
        table = self.random.choice(self.all)
        row = self._one(table)
        if row:
            self.number += 1
            sets = (f"{_quoted(n)} = {k.value.format(n=self.number)}" for n, k in table.key.items())
            self._change(table, ", ".join(sets), row)

    def _half(self) -> None:
        """A savepoint that is rolled back."""
        try:
            with self.source.transaction():
                self._add()
                self._run(f"update {_name(self.random.choice(self.all))} set amount = 7")
                raise psycopg.Rollback
        except psycopg.Rollback:
            pass

    def _wipe_one(self) -> None:
        table, other = self.random.choice(self.all), self.random.choice(self.all)
        heir = self._one(other)
        if self.random.random() < 0.2 and table is not other and heir and not table.altered:
            table.wiped = True
            whole = f"(select coalesce(sum(amount), 0) from {_name(table)})"
            self._change(other, f"amount = amount + {whole}", heir)
            self._do("truncate {}", table.sql)

    def _nothing(self) -> None:
        self._run("select pg_current_xact_id()")

    def _insert(self, table: Table, count: int) -> None:
        start, self.number = self.number + 1, self.number + count
        columns = {**table.key, **table.columns}
        names = ", ".join(map(_quoted, (*columns, "amount")))
        values = [k.value.format(n="n") for k in table.key.values()]
        values += [self._value(k, "n") for k in table.columns.values()]
        self._run(
            f"insert into {_name(table)} ({names}) select {', '.join([*values, '0'])}"
            f" from generate_series({start}, {self.number}) n"
        )

    def _value(self, kind: Kind, number: object) -> str:
        value = kind.value.format(n=number)
        return "null" if self.random.random() < 0.1 else f"({value})"

    def _one(self, table: Table, among: int = 20) -> str:
        """Where one of the first rows is; nothing when there are fewer."""
        found = self.source.execute(
            f"select ctid::text from {_name(table)} limit 1"
            f" offset {self.random.randrange(among)}".encode()
        ).fetchone()
        return str(found[0]) if found else ""

    def _amount(self, table: Table, row: str) -> str:
        query = f"select amount::text from {_name(table)} where ctid = '{row}'"
        found = self.source.execute(query.encode()).fetchone()
        return str(found[0]) if found else "0"

    def _change(self, table: Table, what: str, row: str) -> None:
        self._run(f"update {_name(table)} set {what} where ctid = '{row}'")

    def _do(self, query: str, *parts: sql.Composable) -> None:
        self._run(sql.SQL(query).format(*parts).as_string(self.source))

    def _run(self, query: str) -> None:
        self.said.append(query)
        self.source.execute(query.encode())

    # -- the judgement ------------------------------------------------------------------------

    def judge(self) -> int:
        """How many retained commits were looked at. Every one must keep the promise."""
        looked = 0
        stopped = [d for d in self.status()["datasets"] if d["state"] == "stopped"]  # type: ignore[attr-defined]
        assert not stopped, stopped
        assert sum(self._total(table) for table in self.all) == 0, "the load broke the promise"
        for tables in self._commits():
            if not all(
                Path(point["metadata"].removeprefix("file://")).exists()
                for point in tables.values()
            ):
                continue  # fmt: skip
            total = sum(_sum(tables[t]) for t in self.tables if t in tables)
            assert total == 0, (total, tables)
            looked += 1
        for table in self.all:
            self._same(table, self._newest()[table.dotted])
        return looked

    def _total(self, table: Table) -> Decimal:
        query = f"select coalesce(sum(amount), 0) from {_name(table)}"
        row = self.source.execute(query.encode()).fetchone()
        assert row is not None
        return Decimal(row[0])

    def _commits(self) -> Iterator[dict[str, dict[str, str]]]:
        with self.server.connect("catalog") as conn:
            rows = conn.execute("select tables from tidewright_commits order by id").fetchall()
        yield from (row[0] for row in rows)

    def _newest(self) -> dict[str, dict[str, str]]:
        return list(self._commits())[-1]

    def _same(self, table: Table, point: dict[str, str]) -> None:
        opened = StaticTable.from_metadata(point["metadata"])
        found = opened.scan(snapshot_id=_snapshot(point)).to_arrow()
        shown = [row[0] for row in self.source.execute(
            "select attname from pg_attribute where attrelid = %s::regclass and attnum > 0"
            " and not attisdropped order by attnum", (_name(table),)
        ).fetchall()]  # fmt: skip
        assert set(found.column_names) == set(shown), table.dotted
        asked = ", ".join(_asked(n, found.schema.field(n).type) for n in shown)
        theirs = self.source.execute(f"select {asked} from {_name(table)}".encode()).fetchall()
        ours = list(zip(*(found.column(n).to_pylist() for n in shown), strict=True))
        mine, yours = sorted(map(_plain, ours)), sorted(map(_plain, theirs))
        wrong = [pair for pair in zip(mine, yours, strict=False) if pair[0] != pair[1]][:2]
        assert (wrong, len(mine)) == ([], len(yours)), (table.dotted, shown)


def _snapshot(point: dict[str, str]) -> int | None:
    """None for a table that never had a row."""
    return int(point["snapshot"]) if point["snapshot"] else None


def _sum(point: dict[str, str]) -> object:
    opened = StaticTable.from_metadata(point["metadata"])
    rows = opened.scan(snapshot_id=_snapshot(point), selected_fields=("amount",)).to_arrow()
    return pc.sum(rows.column("amount")).as_py() or 0


def _asked(name: str, kind: pa.DataType) -> str:
    if pa.types.is_string(kind) or pa.types.is_large_string(kind):
        # As the type prints itself: a cast cuts the spaces of char and adds a mask to inet.
        return f"case when {_quoted(name)} is not null then format('%s', {_quoted(name)}) end"
    if pa.types.is_float32(kind):
        return f"{_quoted(name)}::float8"
    return _quoted(name)


def _plain(row: Sequence[object]) -> tuple[str, ...]:
    return tuple(map(_text, row))


def _text(value: object) -> str:
    if isinstance(value, memoryview):
        value = bytes(value)
    if isinstance(value, dt.datetime) and value.tzinfo is not None:
        value = value.astimezone(dt.UTC)
    return repr(value)


def _apart(names: Sequence[str], taken: Sequence[str]) -> list[str]:
    """``names`` without those that some reader takes for another one."""
    low = {t.lower() for t in taken}
    found = []
    for name in names:
        if name.lower() not in low:
            low.add(name.lower())
            found.append(name)
    return found


def _quoted(name: str) -> str:
    return '"' + name.replace('"', '""') + '"'


def _name(table: Table) -> str:
    return f"{_quoted(table.schema)}.{_quoted(table.name)}"

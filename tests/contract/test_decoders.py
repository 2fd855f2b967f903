"""The plain and the compiled decoder give the same chunks, and both give the source's rows."""

from __future__ import annotations

import random
from collections.abc import Iterator, Sequence
from pathlib import Path

import psycopg
import pytest

from tidewright.model import flow, values
from tidewright.pipelines.decode import chunk, decoder, jsontext, pgoutput, speed
from tidewright.pipelines.feeds import peek
from tidewright.testing.postgres import TempPostgres
from tidewright.vault import files as vault

KEYS = {"s.plain": ("a", "b"), "s.full": ("id",), "s.indexed": ("code",)}
WORDS = ("", "a", "é漢🙂", 'q"\\\n\t\x01', "x" * 200, "{1,2}", None)

# The long one is stored out of line, so an update does not send it although it is a key.
CODES = ("k", "é", "c" * 2500, 'q"')


@pytest.fixture
def feed(
    database: psycopg.Connection, postgres: TempPostgres, tmp_path: Path
) -> Iterator[peek.PeekFeed]:
    for statement in (
        "create schema s",
        "create table s.plain (a int, t text, b text, big text, n numeric(9,3), primary key(a, b))",
        "create table s.full (id int primary key, t text, big text, f float8, j jsonb)",
        "create table s.indexed (id int primary key, code text not null unique, big text, f bool)",
        "alter table s.plain alter big set storage external",
        "alter table s.full alter big set storage external, replica identity full",
        "alter table s.indexed alter big set storage external, alter code set storage external,"
        " replica identity using index indexed_code_key",
    ):
        database.execute(statement.encode())
    vault.write(tmp_path / "secrets", "pw", postgres.password)
    at = flow.Connection(
        "127.0.0.1", postgres.port, database.info.dbname, "postgres", values.Secret("pw")
    )
    name = f"tw_{database.info.dbname}"
    made = peek.PeekFeed(flow.PostgresSource("s", at, name, name, True), tmp_path / "secrets")
    made.ensure(tuple(KEYS))
    yield made
    made.drop()
    made.close()


class Workload:
    """Random transactions on three tables, with columns that come and go."""

    def __init__(self, conn: psycopg.Connection, seed: int) -> None:
        self.conn, self.dice = conn, random.Random(seed)
        self.extra = False

    def run(self, transactions: int) -> None:
        for _ in range(transactions):
            with self.conn.transaction():
                for _ in range(self.dice.randrange(1, 6)):
                    self.change()
            if self.dice.random() < 0.08:
                self.alter()

    def change(self) -> None:
        roll = self.dice.random()
        if roll < 0.03:
            tables = self.dice.sample(sorted(KEYS), self.dice.randrange(1, 4))
            self.conn.execute(f"truncate {', '.join(tables)}".encode())
        elif roll < 0.08:
            inside = self.dice.random() < 0.5
            self.conn.execute("select pg_logical_emit_message(%s, 'p', %s)", (inside, b"\x00x"))
        else:
            self.row()

    def row(self) -> None:
        pick, number = self.dice.choice, self.dice.randrange(8)
        text, code, flag = pick(WORDS), pick(CODES), pick([True, False, None])
        big = pick([None, "y" * 9000, "small"])
        self.conn.execute("savepoint row")
        statement, args = pick(
            [
                ("insert into s.plain values (%s, %s, %s, %s, 1.5)", (number, text, code, big)),
                ("insert into s.full values (%s, %s, %s, 'NaN', '[1]')", (number, text, big)),
                ("insert into s.indexed values (%s, %s, %s, %s)", (number, code, big, flag)),
                ("update s.plain set t = %s where a = %s", (text, number)),
                ("update s.plain set a = a + 100, t = %s where a = %s", (text, number)),
                ("update s.full set t = %s where id = %s", (text, number)),
                ("update s.full set id = id + 100 where id = %s", (number,)),
                ("update s.indexed set f = not f where id = %s", (number,)),
                ("update s.indexed set code = code || 'z' where id = %s", (number,)),
                ("update s.indexed set id = id + 100 where id = %s", (number,)),
                ("delete from s.plain where a = %s", (number,)),
                ("delete from s.full where id = %s", (number,)),
                ("delete from s.indexed where id = %s", (number,)),
            ]
        )  # fmt: skip
        try:
            self.conn.execute(statement.encode(), args)
        except psycopg.errors.UniqueViolation:
            self.conn.execute("rollback to savepoint row")

    def alter(self) -> None:
        word = "drop column extra" if self.extra else "add column extra int"
        self.extra = not self.extra
        self.conn.execute(f"alter table s.plain {word}".encode())


def recut(frames: Sequence[bytes], dice: random.Random) -> list[bytes]:
    """The same messages in frames of other sizes."""
    data, messages, at = b"".join(frames), [], 0
    while at < len(data):
        end = at + 4 + int.from_bytes(data[at : at + 4])
        messages.append(data[at:end])
        at = end
    cut = []
    while messages:
        size = dice.randrange(1, 30)
        cut.append(b"".join(messages[:size]))
        messages = messages[size:]
    return cut


def chunks(made: decoder.Decoder, frames: Sequence[bytes], least: int) -> list[chunk.Chunk]:
    found = []
    for frame in frames:
        made.feed(frame)
        while (one := made.take(least)) is not None:
            found.append(one)
    return [*found, made.finish()]


def facts(one: chunk.Chunk) -> object:
    """A chunk as plain values, to compare."""
    return (
        [
            (
                p.relation, p.op.tolist(), p.commit_lsn.tolist(), p.xid.tolist(), p.seq.tolist(),
                p.ts_us.tolist(), [c.to_pylist() for c in p.columns],
                {c: rows.tolist() for c, rows in p.unchanged.items()},
            )
            for p in one.parts
        ],
        one.commit_lsn.tolist(), one.end_lsn.tolist(), one.commit_us.tolist(), one.pulses,
        one.changes, one.open,
    )  # fmt: skip


@pytest.fixture(scope="module")
def turbo() -> object:
    found = speed.load()
    if found is None:
        pytest.skip(str(speed.note()))
    return found


@pytest.mark.parametrize("seed", range(4))
def test_both_decoders_give_the_same_chunks(
    feed: peek.PeekFeed, database: psycopg.Connection, turbo, seed: int
) -> None:
    Workload(database, seed).run(120)
    frames = list(feed.peek(10_000_000))
    dice = random.Random(seed)
    for least, limit in ((1, 1 << 20), (25, 1 << 20), (10_000, 1 << 30), (10_000, 20_000)):
        cut = recut(frames, dice)
        plain = chunks(pgoutput.PureDecoder(KEYS, limit), cut, least)
        quick = chunks(turbo.TurboDecoder(KEYS, limit), cut, least)
        assert [facts(c) for c in plain] == [facts(c) for c in quick]
        for c in quick:
            for part in c.parts:
                assert all(a.validate(full=True) is None for a in part.columns)


@pytest.mark.parametrize("seed", range(4))
def test_the_changes_lead_to_the_rows_of_the_source(
    feed: peek.PeekFeed, database: psycopg.Connection, seed: int
) -> None:
    work = Workload(database, seed)
    work.run(120)
    if work.extra:
        work.alter()
    found = chunks(pgoutput.PureDecoder(KEYS), list(feed.peek(10_000_000)), 1 << 30)
    assert not found[-1].open
    for table, key in KEYS.items():
        names = [n for (n,) in database.execute(
            "select attname::text from pg_attribute where attrelid = %s::regclass and attnum > 0"
            " and not attisdropped order by attnum", (table,))]  # fmt: skip
        text = ", ".join(f"case when {n} is not null then format('%s', {n}) end" for n in names)
        rows = database.execute(f"select {text} from {table}".encode()).fetchall()
        assert sorted(map(repr, replay(found, table, key, names))) == sorted(map(repr, rows)), table


def replay(
    found: Sequence[chunk.Chunk], table: str, key: tuple[str, ...], names: Sequence[str]
) -> list[tuple[str | None, ...]]:
    """Current state by the plainest means: one dictionary, one change after the other."""
    state: dict[tuple[str | None, ...], dict[str, str | None]] = {}
    for part in (p for c in found for p in c.parts if p.relation.table == table):
        cells = [c.to_pylist() for c in part.columns]
        gone: dict[str, str | None] = {}
        for i in range(part.rows):
            row = {n: cells[c][i] for c, n in enumerate(part.relation.names)}
            at = tuple(row[k] for k in key)
            match part.op[i]:
                case chunk.TRUNCATE:
                    state.clear()
                case chunk.DELETE:
                    gone = state.pop(at)
                case chunk.INSERT | chunk.UPDATE as op:
                    before = gone if op == chunk.INSERT else state[at]
                    for c, rows in part.unchanged.items():
                        if rows[i]:
                            row[part.relation.names[c]] = before[part.relation.names[c]]
                    state[at] = row
    return [tuple(row.get(n) for n in names) for row in state.values()]


@pytest.mark.parametrize("seed", range(2))
def test_both_writers_give_the_same_json(
    feed: peek.PeekFeed, database: psycopg.Connection, turbo, seed: int
) -> None:
    Workload(database, seed).run(120)
    for part in chunks(pgoutput.PureDecoder(KEYS), list(feed.peek(10_000_000)), 1 << 30)[-1].parts:
        assert turbo.turbojson.rows(part).equals(jsontext.rows(part))
        half = part.slice(part.rows // 3, part.rows)
        assert turbo.turbojson.rows(half).equals(jsontext.rows(half))


def test_every_kernel_was_compiled_once(turbo) -> None:
    from tidewright.pipelines.decode import compose, scan

    for kernel in (
        scan.scan,
        scan.measure,
        scan.gather,
        compose.sizes,
        compose.write,
        compose.close,
    ):
        assert len(kernel.signatures) == 1, kernel

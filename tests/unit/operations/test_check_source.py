"""What capture needs at a user's own source, asked of real servers."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from types import SimpleNamespace

import psycopg
import pytest

from tidewright.model import flow, values
from tidewright.operations import check_source
from tidewright.testing.postgres import TempPostgres
from tidewright.vault import files as vault

NAME = "tidewright_shop_shop"
# What a server of version 18 as it is shipped is advised, for a role that was given nothing.
ADVICE = {"source.wal_cap", "source.chatter", "source.older"}
SCHEMA = """
create schema shop;
create table shop.good (id int primary key);
create table shop.keyless (id int);
create table shop.nothing (id int primary key);
alter table shop.nothing replica identity nothing;
"""


@pytest.fixture
def role(database: psycopg.Connection) -> Iterator[str]:
    database.execute(SCHEMA)
    database.execute("create role shopper login password 'pw'")
    yield "shopper"
    database.execute("drop owned by shopper; drop role shopper")


def _check(
    server: TempPostgres, folder: Path, database: str, login: str, *tables: str
) -> dict[str, list[check_source.Missing]]:
    url = f"postgres://{login}@127.0.0.1:{server.port}/{database}"
    vault.write(folder, "url", url)
    theirs = flow.Connection("", 0, "", "", None, url=values.Secret("url"))
    source = flow.PostgresSource("shop", theirs, NAME, NAME, managed=False)
    found: dict[str, list[check_source.Missing]] = {}
    for missing in check_source.check(source, tables, folder):
        found.setdefault(missing.code, []).append(missing)
    return found


def _mend(database: psycopg.Connection, found: dict[str, list[check_source.Missing]]) -> None:
    """Run the printed statements, as the message tells a person to."""
    for missing in (m for rows in found.values() for m in rows if not m.advice):
        database.execute(missing.do.partition("--")[0].replace("(...)", "(id)").encode())


def test_a_superuser_lacks_nothing(
    postgres: TempPostgres, database: psycopg.Connection, tmp_path: Path
) -> None:
    database.execute(SCHEMA)
    name = database.info.dbname
    found = _check(postgres, tmp_path, name, f"postgres:{postgres.password}", "shop.good")
    assert set(found) == ADVICE - {"source.older"}
    assert all(m.advice for m in found["source.wal_cap"])


def test_the_printed_statements_mend_what_they_name(
    postgres: TempPostgres, database: psycopg.Connection, role: str, tmp_path: Path
) -> None:
    tables = ("shop.good", "shop.keyless", "shop.nothing")
    where = (postgres, tmp_path, database.info.dbname, f"{role}:pw", *tables)
    found = _check(*where)
    assert set(found) == {"source.rights", "source.table_unfit", "source.publication"} | ADVICE
    # REPLICATION, USAGE, and SELECT on each of three tables.
    assert len(found["source.rights"]) == 5
    assert {m.table for m in found["source.table_unfit"]} == {"shop.keyless", "shop.nothing"}
    _mend(database, found)
    assert set(_check(*where)) == ADVICE


def test_what_is_only_advised_has_its_statement_too(
    postgres: TempPostgres, database: psycopg.Connection, role: str, tmp_path: Path
) -> None:
    where = (postgres, tmp_path, database.info.dbname, f"{role}:pw", "shop.good")
    found = _check(*where)
    for code in ("source.older", "source.chatter"):
        database.execute(found[code][0].do.encode())
    assert {m.code for rows in _check(*where).values() for m in rows if m.advice} == {
        "source.wal_cap"
    }


def test_a_publication_that_lacks_a_table_is_named(
    postgres: TempPostgres, database: psycopg.Connection, role: str, tmp_path: Path
) -> None:
    database.execute(f"create publication {NAME} for table shop.good")
    database.execute(
        "alter role shopper replication; grant usage on schema shop to shopper;"
        "grant select on all tables in schema shop to shopper;"
        "alter table shop.nothing replica identity default"
    )
    where = (postgres, tmp_path, database.info.dbname, f"{role}:pw")
    found = _check(*where, "shop.good", "shop.nothing")
    assert [m.do for m in found["source.publication"]] == [
        f'ALTER PUBLICATION "{NAME}" ADD TABLE "shop"."nothing";  -- as the tables\' owner'
    ]
    _mend(database, found)
    assert "source.publication" not in _check(*where, "shop.good", "shop.nothing")


def test_a_table_that_is_not_there(
    postgres: TempPostgres, database: psycopg.Connection, tmp_path: Path
) -> None:
    login = f"postgres:{postgres.password}"
    found = _check(postgres, tmp_path, database.info.dbname, login, "shop.nope")
    assert [m.table for m in found["source.table_missing"]] == ["shop.nope"]


def test_a_server_that_is_not_set_up(tmp_path: Path) -> None:
    settings = {"wal_level": "replica", "max_replication_slots": "1", "max_wal_senders": "0"}
    with TempPostgres(settings) as server:
        with server.connect() as conn:
            conn.execute("create database other encoding 'LATIN1' locale 'C' template template0")
        found = _check(server, tmp_path, "other", f"postgres:{server.password}")
    assert set(found) >= {"source.wal_level", "source.no_free_slot", "source.encoding"}
    assert "wal_level = 'logical'" in found["source.wal_level"][0].do
    slots, senders = found["source.no_free_slot"]
    assert "max_replication_slots = 2" in slots.do
    assert "max_wal_senders = 1" in senders.do


@pytest.mark.parametrize(
    ("found", "code"),
    [(13, "source.version"), (19, "source.version"), (15, "source.older"), (16, None)],
)
def test_versions(found: int, code: str | None, monkeypatch: pytest.MonkeyPatch) -> None:
    subject = check_source.Subject.__new__(check_source.Subject)
    monkeypatch.setattr(check_source.Subject, "version", found)
    assert [m.code for m in check_source.version(subject)] == ([code] if code else [])


@pytest.mark.parametrize(
    ("host", "tls", "codes"),
    [
        ("db.example.com", False, ["source.in_clear"]),
        ("db.example.com", True, []),
        ("::1", False, []),
    ],
)
def test_clear_text_over_a_network_is_advised_against(
    host: str, tls: bool, codes: list[str]
) -> None:
    live = SimpleNamespace(pgconn=SimpleNamespace(ssl_in_use=tls), info=SimpleNamespace(host=host))
    link = SimpleNamespace(open=lambda: live)
    source = flow.PostgresSource("s", flow.Connection("", 0, "", "", None), "p", "s", False)
    subject = check_source.Subject(link, source, ())  # type: ignore[arg-type]  # only ``open`` is used
    assert [m.code for m in check_source.encrypted(subject)] == codes

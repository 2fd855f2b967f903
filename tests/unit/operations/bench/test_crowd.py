"""Askers against a real server: what they count, and that they notice what is wrong."""

from __future__ import annotations

import dataclasses
from pathlib import Path

import psycopg
import pytest

from tidewright.model import flow, values
from tidewright.operations.bench.guided import asking, crowd, marts
from tidewright.testing.postgres import TempPostgres
from tidewright.vault import files as vault

TABLES = """
create schema olap;
create table olap.pages (page text, events int);
insert into olap.pages select 'p' || i, i from generate_series(1, 20) i;
"""
TOTAL, LISTED = marts.total("pages", "events"), marts.grouped("pages", "page", "events")


@pytest.fixture
def place(postgres: TempPostgres, database: psycopg.Connection, tmp_path: Path) -> crowd.Marts:
    database.execute(TABLES)
    vault.write(tmp_path / "secrets", "pw", postgres.password)
    login = values.Secret("pw")
    there = flow.Connection("127.0.0.1", postgres.port, database.info.dbname, "postgres", login)
    return crowd.Marts(there, tmp_path / "secrets", "olap")


def asked(place: crowd.Marts, *questions: asking.Question) -> asking.Asked:
    turns = [crowd.Turn(q.size, (q,)) for q in questions]
    seen, rate = crowd.ask(place, turns, crowd.Load(2, 0.2, 100))
    assert (rate > 0) == bool(seen.seconds)
    return seen


def test_every_answer_is_timed_and_checked(place: crowd.Marts) -> None:
    seen = asked(place, TOTAL, LISTED)
    assert set(seen.seconds) == {"simple", "medium"}
    assert seen.answers == sum(map(len, seen.seconds.values())) > 0
    assert (seen.failed, seen.wrong) == (0, [])


def test_a_wrong_answer_a_wrong_class_and_a_failure_are_seen(place: crowd.Marts) -> None:
    wrong = dataclasses.replace(TOTAL, sql="select count(*), sum(events) + 1 from pages")
    assert "do not equal" in asked(place, wrong).wrong[0]
    large = dataclasses.replace(LISTED, size="simple")
    assert "20 rows are no simple answer" in asked(place, large).wrong[0]
    broken = dataclasses.replace(TOTAL, sql="select nothing from pages")
    assert asked(place, broken).failed > 0

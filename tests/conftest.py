"""Fixtures for every test: one real PostgreSQL per session, one fresh database per test."""

from __future__ import annotations

import itertools
from collections.abc import Iterator

import psycopg
import pytest

from tidewright.testing.postgres import TempPostgres

_numbers = itertools.count()


@pytest.fixture(scope="session")
def postgres() -> Iterator[TempPostgres]:
    with TempPostgres() as server:
        yield server


@pytest.fixture
def database(postgres: TempPostgres) -> Iterator[psycopg.Connection]:
    """A fresh database on the session's server, as superuser, autocommit."""
    with postgres.create(f"test{next(_numbers)}") as conn:
        yield conn

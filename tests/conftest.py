"""Fixtures for every test: one real PostgreSQL per session, one fresh database per test."""

from __future__ import annotations

import itertools
import signal
from collections.abc import Iterator

import psycopg
import pytest

from tidewright.testing.postgres import TempPostgres

_numbers = itertools.count()

# A shell that starts us in the background has SIGINT ignored, and what is ignored is inherited:
# the tests of Ctrl-C would wait for ever, here and in the programs that they start.
signal.signal(signal.SIGINT, signal.default_int_handler)


@pytest.fixture(scope="session")
def postgres() -> Iterator[TempPostgres]:
    with TempPostgres() as server:
        yield server


@pytest.fixture
def database(postgres: TempPostgres) -> Iterator[psycopg.Connection]:
    """A fresh database on the session's server, as superuser, autocommit."""
    with postgres.create(f"test{next(_numbers)}") as conn:
        yield conn

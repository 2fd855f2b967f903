"""A source of its own for each test: a fresh database, and a feed that cleans up."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path

import psycopg
import pytest

from tidewright.model import flow, values
from tidewright.pipelines.feeds import peek
from tidewright.testing.postgres import TempPostgres
from tidewright.vault import files as vault


@pytest.fixture
def source(
    database: psycopg.Connection, postgres: TempPostgres, tmp_path: Path
) -> flow.PostgresSource:
    return source_of(postgres, database.info.dbname, tmp_path)


def source_of(server: TempPostgres, database: str, folder: Path) -> flow.PostgresSource:
    vault.write(folder / "secrets", "pw", server.password)
    at = flow.Connection("127.0.0.1", server.port, database, "postgres", values.Secret("pw"))
    return flow.PostgresSource("bank", at, f"tw_{database}", f"tw_{database}", True)


@pytest.fixture
def secrets(tmp_path: Path) -> Path:
    return tmp_path / "secrets"


@pytest.fixture
def feed(source: flow.PostgresSource, secrets: Path) -> Iterator[peek.PeekFeed]:
    made = peek.PeekFeed(source, secrets)
    yield made
    made.drop()
    made.close()


@pytest.fixture
def servers(tmp_path: Path) -> Iterator[Callable[..., tuple[TempPostgres, flow.PostgresSource]]]:
    """Servers with settings of their own, for what would disturb the shared one."""
    started: list[TempPostgres] = []

    def start(**settings: str) -> tuple[TempPostgres, flow.PostgresSource]:
        server = TempPostgres(settings).__enter__()
        started.append(server)
        return server, source_of(server, "postgres", tmp_path)

    yield start
    for server in started:
        server.__exit__()

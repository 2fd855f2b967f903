"""The read-only Iceberg catalog, asked by real clients: PyIceberg, DuckDB and plain HTTP."""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import psycopg
import pyarrow as pa
import pytest
from pyiceberg import exceptions as pyiceberg_exceptions
from pyiceberg.catalog.rest import RestCatalog
from tests.unit.console import served
from tests.unit.operations import lakes

from tidewright import errors
from tidewright.clients import duckdb as ducks
from tidewright.operations import catalog_front, console_desk, console_sessions
from tidewright.testing.postgres import TempPostgres
from tidewright.vault import files as vault

ONE = "/catalog/v1/namespaces/bank"


@pytest.fixture(scope="module")
def warehouse(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("front") / "lake"


@pytest.fixture(scope="module")
def content(postgres: TempPostgres, warehouse: Path) -> pa.Table:
    postgres.create("front").close()
    return lakes.fill(postgres, "front", warehouse)


@pytest.fixture(scope="module")
def front(postgres: TempPostgres, warehouse: Path, content: pa.Table) -> Iterator[served.Console]:
    job = lakes.job(postgres, "front", warehouse.parent, warehouse)
    secrets = served.make_secrets(warehouse.parent / "secrets")
    with served.serving(console_desk.console_desk(job), secrets) as found:
        yield found


def pyiceberg(front: served.Console, token: str | None = None) -> RestCatalog:
    secret = token or vault.read(front.secrets, "catalog")
    return RestCatalog("front", uri=f"{front.origin}/catalog", token=secret)


def test_pyiceberg_reads_a_table(front: served.Console, content: pa.Table) -> None:
    catalog = pyiceberg(front)
    assert catalog.list_namespaces() == [("bank",)]
    assert catalog.list_tables("bank") == [("bank", "users")]
    assert catalog.table_exists("bank.users") and not catalog.table_exists("bank.none")
    assert catalog.load_table("bank.users").scan().to_arrow().equals(content)


def test_duckdb_attaches_the_catalog(front: served.Console, content: pa.Table) -> None:
    with ducks.connect() as duck:
        duck.execute(f"load '{ducks.extension('httpfs')}'")
        secret = vault.read(front.secrets, "catalog")
        duck.execute(f"create secret s (type iceberg, token '{secret}')")
        duck.execute(
            f"attach 'lake' as lake (type iceberg, endpoint '{front.origin}/catalog', secret s)"
        )
        total = duck.execute("select count(*), sum(id) from lake.bank.users").fetchone()
        assert total == (content.num_rows, 4950)
        with pytest.raises(ducks.duckdb.Error, match=r"403|[Ff]orbidden|reads|endpoint"):
            duck.execute("insert into lake.bank.users values (1, 'x')")
    assert front.ask(f"{ONE}/tables/users", front.bearer("catalog")).status == 200


def test_pyiceberg_cannot_write(front: served.Console, content: pa.Table) -> None:
    catalog = pyiceberg(front)
    table = catalog.load_table("bank.users")
    # The client sees from the list of calls that there is no such one, and does not even ask.
    with pytest.raises((NotImplementedError, pyiceberg_exceptions.ForbiddenError)):
        table.append(content)
    with pytest.raises((NotImplementedError, pyiceberg_exceptions.ForbiddenError)):
        catalog.create_namespace("other")
    with pytest.raises((NotImplementedError, pyiceberg_exceptions.ForbiddenError)):
        catalog.drop_table("bank.users")


def test_pyiceberg_needs_the_catalog_s_secret(front: served.Console) -> None:
    with pytest.raises(pyiceberg_exceptions.UnauthorizedError):
        pyiceberg(front, vault.read(front.secrets, "console"))


@pytest.mark.parametrize(
    ("method", "path"),
    [
        ("POST", "/catalog/v1/namespaces"),
        ("DELETE", ONE),
        ("POST", f"{ONE}/tables"),
        ("POST", f"{ONE}/tables/users"),
        ("DELETE", f"{ONE}/tables/users"),
        ("POST", f"{ONE}/properties"),
        ("POST", f"{ONE}/register"),
        ("POST", "/catalog/v1/tables/rename"),
        ("POST", "/catalog/v1/transactions/commit"),
        ("POST", "/catalog/v1/oauth/tokens"),
        ("PUT", "/catalog/v1/anything"),
    ],
)
def test_every_write_is_refused_in_iceberg_s_shape(
    front: served.Console, method: str, path: str
) -> None:
    reply = front.ask(path, front.bearer("catalog"), method, b"{}")
    assert reply.status == 403
    assert (reply.json["error"]["type"], reply.json["error"]["code"]) == ("ForbiddenException", 403)
    assert "[console.read_only]" in reply.json["error"]["message"]


@pytest.mark.parametrize(
    ("path", "kind"),
    [
        ("/catalog/v1/namespaces/none", "NoSuchNamespaceException"),
        ("/catalog/v1/namespaces/none/tables", "NoSuchNamespaceException"),
        (f"{ONE}/tables/none", "NoSuchTableException"),
        (f"{ONE}/tables/..%2F..%2Fetc%2Fpasswd", None),
        (f"{ONE}/tables/users'--", "NoSuchTableException"),
    ],
)
def test_what_is_not_there_is_404(front: served.Console, path: str, kind: str | None) -> None:
    reply = front.ask(path, front.bearer("catalog"))
    assert reply.status == 404
    assert kind is None or reply.json["error"]["type"] == kind
    assert front.ask(path, front.bearer("catalog"), "HEAD").status == 404


def test_head_answers_without_a_body(front: served.Console) -> None:
    for path in (ONE, f"{ONE}/tables/users"):
        reply = front.ask(path, front.bearer("catalog"), "HEAD")
        assert (reply.status, reply.body) == (204, b"")


def test_without_a_key_the_catalog_says_nothing(front: served.Console) -> None:
    reply = front.ask("/catalog/v1/namespaces")
    assert (reply.status, reply.json["error"]["type"]) == (401, "NotAuthorizedException")


def test_a_pointer_out_of_the_warehouse_is_not_followed(
    postgres: TempPostgres, database: psycopg.Connection, tmp_path: Path
) -> None:
    name = database.info.dbname
    lakes.fill(postgres, name, tmp_path / "lake")
    pool = console_sessions.Sessions(lakes.job(postgres, name, tmp_path, tmp_path / "lake"))
    front = catalog_front.CatalogFront(pool, str(tmp_path / "lake"))
    outside: list[Any] = ["file:///etc/passwd", f"file://{tmp_path}/lake/../../../etc/passwd"]
    for place in outside:
        database.execute("update iceberg_tables set metadata_location = %s", [place])
        with pytest.raises(errors.Refused, match=re.escape("console.outside")):
            front.table("bank", "users")
    database.execute("update iceberg_tables set metadata_location = %s", [f"{tmp_path}/lake/gone"])
    with pytest.raises(errors.StepFailed, match=re.escape("console.metadata")):
        front.table("bank", "users")
    pool.close()


def test_metadata_beyond_the_limit_is_refused(
    front: served.Console, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(catalog_front, "LARGEST_METADATA", 10)
    reply = front.ask(f"{ONE}/tables/users", front.bearer("catalog"))
    assert "[console.too_large]" in reply.json["error"]["message"]


def test_a_catalog_without_tables_is_empty(
    postgres: TempPostgres, database: psycopg.Connection, tmp_path: Path
) -> None:
    pool = console_sessions.Sessions(lakes.job(postgres, database.info.dbname, tmp_path, tmp_path))
    assert catalog_front.CatalogFront(pool, str(tmp_path)).namespaces(None) == {"namespaces": []}
    pool.close()

"""``init``: from an example, and from a database."""

from __future__ import annotations

import shutil
import stat
from pathlib import Path

import psycopg
import pytest

from tidewright import errors
from tidewright.operations import check, init, init_from
from tidewright.targets.local import layout
from tidewright.testing.postgres import TempPostgres


@pytest.fixture(autouse=True)
def _state_here(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """As root the state would lie outside the test's folder."""
    monkeypatch.setattr(layout, "SYSTEM", tmp_path / "system")


@pytest.mark.parametrize("name", init.examples())
def test_an_example_is_copied_and_right(name: str, tmp_path: Path) -> None:
    made = init.init_from_example(name, tmp_path / "here")
    assert "platform.yaml" in made.files
    assert layout.platform_id(tmp_path / "here")
    assert check.check(tmp_path / "here").environments


def test_a_copy_of_what_is_read_only_can_be_changed(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """An installation that nobody may write to, and a folder that only its owner may enter."""
    installed, mine = tmp_path / "installed", tmp_path / "mine"
    shutil.copytree(init._examples(), installed, ignore=shutil.ignore_patterns(".*"))
    for path in installed.rglob("*"):
        path.chmod(0o555 if path.is_dir() else 0o444)
    monkeypatch.setattr(init, "_examples", lambda: installed)
    mine.mkdir(mode=0o700)
    init.init_from_example("bank-cdc", mine)
    assert stat.S_IMODE(mine.stat().st_mode) == 0o700
    assert all(p.stat().st_mode & stat.S_IWUSR for p in mine.rglob("*"))


def test_nothing_is_written_over(tmp_path: Path) -> None:
    (tmp_path / "platform.yaml").write_text("mine")
    with pytest.raises(errors.Refused) as caught:
        init.init_from_example("bank-cdc", tmp_path)
    assert caught.value.code == "cli.exists"
    assert [p.name for p in tmp_path.iterdir()] == ["platform.yaml"]


def test_an_example_gets_another_name_and_keeps_its_comments(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    made = init.init_from_example("bank-cdc", platform="shop")
    text = (tmp_path / "shop" / "platform.yaml").read_text()
    assert made.folder == Path("shop")
    assert "\nplatform: shop\n" in text and "\nplatform: bank\n" not in text
    assert text.count("#") == 5  # the comments of the example
    assert check.check(tmp_path / "shop").environments


def test_what_is_no_name_is_refused_before_anything_is_written(tmp_path: Path) -> None:
    with pytest.raises(errors.SpecError, match="My Shop"):
        init.init_from_example("bank-cdc", tmp_path / "x", "My Shop")
    assert not (tmp_path / "x").exists()


def test_an_unknown_example_lists_the_known(tmp_path: Path) -> None:
    with pytest.raises(errors.SpecError, match="bank-cdc") as caught:
        init.init_from_example("bank", tmp_path)
    assert caught.value.code == "cli.no_such_example"


def _url(server: TempPostgres, database: psycopg.Connection) -> str:
    return f"postgres://postgres:{server.password}@127.0.0.1:{server.port}/{database.info.dbname}"


def test_a_database_becomes_a_file_that_is_right(
    postgres: TempPostgres, database: psycopg.Connection, tmp_path: Path
) -> None:
    database.execute(
        "create schema a; create schema b; create table a.t (id int primary key);"
        "create table b.t (id int primary key); create table a.keyless (id int);"
        'create table a."evil\n  x: 1" (id int primary key); create view a.v as select 1;'
        "create table a.split (id int primary key) partition by range (id);"
        "create unlogged table a.fast (id int primary key)"
    )
    made = init_from.init_from_database(_url(postgres, database), tmp_path / "shop", "web-shop")
    text = (made.folder / "platform.yaml").read_text()
    assert postgres.password not in text
    assert "\nplatform: web-shop\n" in text
    assert "        - a.t\n" in text
    assert "# - b.t: another table is called t" in text
    assert "# - a.split: it is partitioned: capture its partitions by name" in text
    assert "# - a.v: it is a view\n" in text
    assert "# - a.fast: it is not written to the WAL\n" in text
    assert "# - a.keyless: it has no primary key" in text
    assert check.check(made.folder).sources == (database.info.dbname,)


def test_a_database_without_tables_writes_nothing(
    postgres: TempPostgres, database: psycopg.Connection, tmp_path: Path
) -> None:
    with pytest.raises(errors.Refused) as caught:
        init_from.init_from_database(_url(postgres, database), tmp_path / "shop")
    assert caught.value.code == "source.nothing_to_capture"
    assert not (tmp_path / "shop").exists()


def test_a_wrong_password_is_no_secret_of_a_file_yet(
    postgres: TempPostgres, database: psycopg.Connection, tmp_path: Path
) -> None:
    url = _url(postgres, database).replace(postgres.password, "wrong")
    with pytest.raises(errors.PlatformError) as caught:
        init_from.init_from_database(url, tmp_path / "shop")
    assert caught.value.code == "source.password"
    assert "--set-secret" not in caught.value.hint


def test_a_password_is_put_into_a_url_as_urls_need_it() -> None:
    url = init_from.with_password("postgres://me@host:5432/db?sslmode=require", "p@ss/w:rd")
    assert url == "postgres://me:p%40ss%2Fw%3Ard@host:5432/db?sslmode=require"
    assert init_from.has_password(url)
    assert not init_from.has_password("postgres://me@host/db")

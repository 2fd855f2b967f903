"""``check``: the file first, then the source behind it."""

from __future__ import annotations

from pathlib import Path

import psycopg
import pytest

from tidewright import errors
from tidewright.operations import check
from tidewright.testing.postgres import TempPostgres

OWN = """\
tidewright: 0
platform: shop
sources: {shop: {postgres: {url: {secret: shop_url}}}}
flow:
  - capture: {from: shop, tables: [shop.good, shop.nope]}
"""
EXAMPLES = Path(__file__).parents[3] / "examples"


@pytest.mark.parametrize(
    "file", sorted(EXAMPLES.glob("*/platform.yaml")), ids=lambda f: f.parent.name
)
def test_examples_have_no_findings(file: Path) -> None:
    assert check.check(file).environments


def test_a_folder_may_be_named(tmp_path: Path) -> None:
    with pytest.raises(errors.SpecError) as caught:
        check.check(tmp_path)
    assert caught.value.code == "file.missing"


def test_a_missing_secret_is_a_finding_at_its_place(tmp_path: Path) -> None:
    (tmp_path / "platform.yaml").write_text(OWN)
    with pytest.raises(errors.SpecError) as caught:
        check.check(tmp_path)
    (finding,) = caught.value.findings
    assert (finding.code, finding.where.line, finding.where.column) == ("vault.missing", 3, 29)
    assert "connect --set-secret shop_url" in finding.hint


def test_what_a_source_lacks_points_into_the_file(
    tmp_path: Path,
    postgres: TempPostgres,
    database: psycopg.Connection,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    database.execute("create schema shop; create table shop.good (id int primary key)")
    url = (
        f"postgres://postgres:{postgres.password}@127.0.0.1:{postgres.port}/{database.info.dbname}"
    )
    monkeypatch.setenv("TIDEWRIGHT_SECRET_SHOP_URL", url)
    (tmp_path / "platform.yaml").write_text(OWN)
    with pytest.raises(errors.SpecError) as caught:
        check.check(tmp_path)
    (finding,) = caught.value.findings
    assert (finding.code, finding.where.line, finding.where.column) == (
        "source.table_missing",
        5,
        47,
    )
    (tmp_path / "platform.yaml").write_text(OWN.replace(", shop.nope", ""))
    found = check.check(tmp_path)
    assert found.sources == ("shop",)
    assert [a.code for a in found.advice] == ["source.chatter", "source.wal_cap"]

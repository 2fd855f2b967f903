"""``connect``: endpoints, snippets, one secret alone, storing one."""

from __future__ import annotations

import stat
from pathlib import Path

import pytest

from tidewright import errors
from tidewright.assemble import build
from tidewright.operations import connect, project, state
from tidewright.spec import load
from tidewright.targets.local import layout, ports
from tidewright.vault import files as vault

BANK = Path(__file__).parents[3] / "examples" / "bank-cdc" / "platform.yaml"
OWN = """\
tidewright: 0
platform: shop
sources: {shop: {postgres: {url: {secret: shop_url}}}}
flow:
  - capture: {from: shop, tables: [shop.a]}
"""
URL = "postgres://me:pa55word@db.example.com/shop"


@pytest.fixture(autouse=True)
def _state_here(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """As root the state would lie outside the test's folder."""
    monkeypatch.setattr(layout, "SYSTEM", tmp_path / "system")


@pytest.fixture
def environment(tmp_path: Path) -> state.Environment:
    """The bank as if it had been up."""
    return applied(tmp_path, BANK)


def applied(tmp_path: Path, file: Path) -> state.Environment:
    place = layout.create(tmp_path / "project", "laptop")
    platform = build.build(load.load(file))
    state.write_applied(place, platform)
    numbered = [f"{s.name}.{p}" for s in platform.services for p in s.ports]
    ports.write(place.root, {key: 20_000 + n for n, key in enumerate(numbered)})
    for name in platform.secrets:
        vault.generate(place.secrets, name)
    return state.find(tmp_path / "project", "laptop")


def test_every_endpoint_has_a_url_and_no_snippet_a_secret(environment: state.Environment) -> None:
    found = connect.connections(environment)
    assert {e.name for e in found.endpoints} >= {"console", "source", "marts", "catalog.rest"}
    assert {s.into for s in found.snippets} == {"psql", "JDBC", "DuckDB", "pandas", "PyIceberg"}
    values = [vault.read(environment.place.secrets, n) for n in environment.applied.secrets]
    assert not [v for v in values if v in str(found)]


def test_delta_tables_are_read_where_they_are(tmp_path: Path) -> None:
    found = applied(tmp_path, BANK.parents[1] / "clickstream" / "platform.yaml")
    (shown,) = (s for s in connect.connections(found).snippets if s.into == "Delta")
    assert f'DeltaTable("{found.place.root}/lake/delta/clickstream/sessions")' in shown.text


def test_one_secret_alone(environment: state.Environment) -> None:
    made = vault.read(environment.place.secrets, "marts-reader")
    assert connect.secret(environment, "marts-reader") == made


def test_an_unknown_secret_lists_the_known(environment: state.Environment) -> None:
    with pytest.raises(errors.SpecError, match="marts-reader") as caught:
        connect.secret(environment, "marts")
    assert caught.value.code == "cli.no_such_secret"


def test_storing_what_the_file_asks_for(tmp_path: Path) -> None:
    (tmp_path / "platform.yaml").write_text(OWN)
    assert connect.store_secret(tmp_path, "shop_url", URL) == "laptop"
    place = layout.locate(tmp_path, project.load(tmp_path).environment)
    assert place is not None
    assert vault.read(place.secrets, "shop_url") == URL
    assert stat.S_IMODE((place.secrets / "shop_url").stat().st_mode) == 0o600


@pytest.mark.parametrize(
    ("name", "value", "code"),
    [("other", URL, "cli.no_such_secret"), ("shop_url", "pa55word", "source.url")],
)
def test_storing_anything_else_is_refused(tmp_path: Path, name: str, value: str, code: str) -> None:
    (tmp_path / "platform.yaml").write_text(OWN)
    with pytest.raises(errors.PlatformError) as caught:
        connect.store_secret(tmp_path, name, value)
    assert caught.value.code == code
    assert "pa55word" not in str(caught.value)

"""``add source`` as a whole: what the file says afterwards, or that nothing was written."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, HTTPServer
from pathlib import Path

import pytest

from tidewright import errors
from tidewright.model import flow
from tidewright.operations import check, init, project
from tidewright.operations.adding import loaded, source
from tidewright.targets.local import layout
from tidewright.testing.postgres import TempPostgres
from tidewright.vault import files as vault

CSV = "id,total\n1,2.50\n2,3.00\n"


@pytest.fixture(autouse=True)
def _state_here(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """As root the state would lie outside the test's folder."""
    monkeypatch.setattr(layout, "SYSTEM", tmp_path / "system")


@pytest.fixture
def shop(tmp_path: Path) -> Path:
    init.init_from_example("elt-lakehouse", tmp_path / "shop")
    (tmp_path / "shop" / "orders.csv").write_text(CSV)
    return tmp_path / "shop"


def add(folder: Path, word: str, **more: str) -> source.Added:
    return source.add_source(folder, source.SourceWish(word, **more))


def loads(folder: Path) -> dict[str, flow.Load]:
    found = project.load(folder).platform.services
    told = [getattr(s.process.job, "load", None) for s in found]
    return {load.to: load for load in told if isinstance(load, flow.Load)}


def everything(folder: Path) -> dict[str, bytes]:
    found = (p for p in folder.rglob("*") if p.is_file())
    return {str(p.relative_to(folder)): p.read_bytes() for p in found}


def test_a_file_becomes_a_stream_of_a_load_of_its_own(shop: Path) -> None:
    before = (shop / "platform.yaml").read_text()
    (shop / "platform.yaml").chmod(0o640)
    added = add(shop, str(shop / "orders.csv"))
    assert (added.tables, added.rows, added.secret) == (("files.orders",), 2, None)
    assert added.written == ("platform.yaml", "connectors/files.py")
    entry = {"path": "orders.csv", "columns": ["id integer", "total decimal(2)"]}
    assert loads(shop)["files"].connector.config == {"files": {"orders": entry}}
    assert set(loads(shop)) == {"bronze", "files"}
    assert "-" not in {line[:1] for line in added.diff.splitlines()[2:]}
    after = (shop / "platform.yaml").read_text()
    assert [line for line in before.splitlines() if line not in after.splitlines()] == []
    assert (shop / "platform.yaml").stat().st_mode & 0o777 == 0o640
    assert check.check(shop).environments == ("laptop",)


def test_the_next_one_joins_it(shop: Path) -> None:
    add(shop, str(shop / "orders.csv"))
    (shop / "connectors" / "files.py").write_text(loaded.script() + "# mine\n")
    elsewhere = shop.parent / "My Items (2).csv"
    elsewhere.write_text(CSV)
    added = add(shop, str(elsewhere))
    assert added.tables == ("files.my_items_2",)
    assert added.written == ("platform.yaml",), "the connector is the user's now"
    files = loads(shop)["files"].connector.config["files"]
    assert isinstance(files, dict)
    assert files["my_items_2"]["path"] == str(elsewhere)
    assert "orders" in files


@pytest.mark.parametrize("name", [n for n in init.examples() if n != "branching-lakehouse"])
def test_every_example_that_lands_rows_takes_a_file(name: str, tmp_path: Path) -> None:
    init.init_from_example(name, tmp_path / "p")
    (tmp_path / "orders.csv").write_text(CSV)
    add(tmp_path / "p", str(tmp_path / "orders.csv"))
    assert "files" in loads(tmp_path / "p")


def test_what_would_not_pass_the_check_is_not_written(tmp_path: Path) -> None:
    init.init_from_example("branching-lakehouse", tmp_path / "p")
    (tmp_path / "orders.csv").write_text(CSV)
    before = everything(tmp_path)
    with pytest.raises(errors.SpecError) as caught:
        add(tmp_path / "p", str(tmp_path / "orders.csv"))
    assert "ingest beside load is not supported yet" in caught.value.what
    assert everything(tmp_path) == before
    assert not (tmp_path / "p" / "connectors").exists()


@pytest.mark.parametrize(
    ("word", "more", "code"),
    [
        ("none.csv", {}, "source.not_there"),
        (".", {}, "source.not_there"),
        ("orders.xlsx", {}, "source.unknown_kind"),
        ("s3://bucket/orders.csv", {}, "source.unknown_kind"),
        ("ragged.csv", {}, "source.unreadable"),
        ("http://127.0.0.1:1/orders.csv", {}, "source.not_there"),
        ("orders.csv", {"name": "Orders!"}, "file.wrong_value"),
        ("orders.csv", {"to": "bronze"}, "file.clash"),
        ("orders.csv", {"every": "5 parsecs"}, "file.wrong_unit"),
        ("postgres://me:pw@127.0.0.1:1/bank", {"every": "5s"}, "file.wrong_value"),
    ],
)
def test_what_cannot_be_added_is_refused_whole(
    shop: Path, monkeypatch: pytest.MonkeyPatch, word: str, more: dict[str, str], code: str
) -> None:
    monkeypatch.chdir(shop)
    (shop / "orders.xlsx").write_text("")
    (shop / "ragged.csv").write_text("a,b\n1\n")
    before = everything(shop)
    with pytest.raises(errors.PlatformError) as caught:
        add(shop, word, **more)
    assert caught.value.code == code
    assert everything(shop) == before


def test_a_table_of_that_name_is_not_replaced(shop: Path) -> None:
    add(shop, str(shop / "orders.csv"))
    with pytest.raises(errors.Refused) as caught:
        add(shop, str(shop / "orders.csv"))
    assert caught.value.code == "source.taken"


def test_a_connector_of_somebody_else_is_not_used(shop: Path) -> None:
    (shop / "connectors").mkdir()
    (shop / "connectors" / "files.py").write_text("class Connector: ...")
    with pytest.raises(errors.Refused) as caught:
        add(shop, str(shop / "orders.csv"))
    assert caught.value.code == "source.taken"


def test_one_pace_for_the_files_of_a_place(shop: Path) -> None:
    add(shop, str(shop / "orders.csv"))
    with pytest.raises(errors.SpecError) as caught:
        add(shop, str(shop / "orders.csv"), name="more", every="10s")
    assert "read every 5s" in caught.value.what
    add(shop, str(shop / "orders.csv"), name="more", every="10s", to="slow")
    assert {to: load.every for to, load in loads(shop).items() if to != "bronze"} == {
        "files": 5.0,
        "slow": 10.0,
    }


def test_lines_that_find_no_place_are_shown(shop: Path) -> None:
    text = (
        "%YAML 1.1\n---\ntidewright: 0\nplatform: no\n"
        "flow: [{load: {connector: connector.py, every: 5s}}]\n"
    )
    (shop / "platform.yaml").write_text(text)
    with pytest.raises(errors.Refused) as caught:
        add(shop, str(shop / "orders.csv"))
    assert caught.value.code == "file.no_place"
    assert "orders:" in caught.value.hint
    assert (shop / "platform.yaml").read_text() == text


def test_a_file_begins_with_a_source(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "orders.csv").write_text(CSV)
    monkeypatch.chdir(tmp_path)
    made = source.init_from_source("orders.csv")
    assert (made.folder, made.files) == (Path("orders"), ("platform.yaml", "connectors/files.py"))
    assert check.check(tmp_path / "orders").platform == "orders"
    add(tmp_path / "orders", "orders.csv", name="again")
    assert list(loads(tmp_path / "orders")) == ["files"]


# -- addresses and databases --------------------------------------------------------------------


class Handler(BaseHTTPRequestHandler):
    def do_GET(self) -> None:
        self.send_response(200)
        self.end_headers()
        self.wfile.write(CSV.encode())

    def log_message(self, *_: object) -> None:
        pass


@pytest.fixture
def web() -> Iterator[str]:
    server = HTTPServer(("127.0.0.1", 0), Handler)
    threading.Thread(target=server.serve_forever, args=(0.01,), daemon=True).start()
    yield f"127.0.0.1:{server.server_port}"
    server.shutdown()
    server.server_close()


def test_an_address_stands_in_the_file(shop: Path, web: str) -> None:
    added = add(shop, f"http://{web}/data/Orders.csv")
    assert (added.tables, added.secret) == (("web.orders",), None)
    assert loads(shop)["web"].every == 60.0
    assert f"http://{web}/data/Orders.csv" in (shop / "platform.yaml").read_text()


@pytest.mark.parametrize("address", ["http://me:hush@%s/orders.csv", "http://%s/orders?key=hush"])
def test_an_address_that_holds_a_secret_is_one(shop: Path, web: str, address: str) -> None:
    added = add(shop, address % web)
    assert added.secret == "orders_url"
    assert "hush" not in (shop / "platform.yaml").read_text() + added.diff
    place = layout.locate(shop, "laptop")
    assert place is not None
    assert vault.read(place.secrets, "orders_url") == address % web
    assert project.load(shop).platform.asked == ("orders_url",)


@pytest.mark.parametrize(
    ("word", "whole"),
    [
        ("orders.csv", True), ("me@home.csv", True), ("https://h/x", True),
        ("https://me@h/x", False), ("https://me:pw@h/x", True), ("postgres://me@h/d", False),
    ],
)  # fmt: skip
def test_what_lacks_a_password(word: str, whole: bool) -> None:
    assert source.is_whole(word) == whole


@pytest.fixture(scope="module")
def database() -> Iterator[str]:
    with TempPostgres() as server:
        conn = server.create("crm")
        conn.execute("create table people (id int primary key)")
        conn.execute("create table notes (body text)")
        conn.close()
        yield f"postgres://postgres:{server.password}@127.0.0.1:{server.port}/crm"


def test_a_database_is_captured_beside_a_load(shop: Path, database: str) -> None:
    added = add(shop, database)
    assert added.tables == ("public.people",)
    assert any("public.notes is left out" in note for note in added.notes)
    stages = [type(s.process.job).__name__ for s in project.load(shop).platform.services]
    assert {"CaptureJob", "LoadJob"} <= set(stages)
    assert database not in (shop / "platform.yaml").read_text()


@pytest.mark.parametrize("name", ["bank-cdc", "user-events", "clickstream"])
def test_one_log_is_followed(name: str, tmp_path: Path) -> None:
    """Nothing is asked of the database before the file is known to have room."""
    init.init_from_example(name, tmp_path / "p")
    with pytest.raises(errors.Unsupported) as caught:
        add(tmp_path / "p", "postgres://me:pw@127.0.0.1:1/crm")
    assert caught.value.code == "file.not_yet"
    assert "init --from" in caught.value.hint

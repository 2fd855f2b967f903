"""The connector that goes into a project: what it reads, refuses, and does not repeat."""

from __future__ import annotations

import base64
import gzip
import os
import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, HTTPServer
from pathlib import Path
from typing import Any, ClassVar

import pytest

from tidewright.operations.adding import connector

COLUMNS = ["id integer", "total decimal(2)", "at timestamptz", "on date", "ok boolean"]
TEXT = "id,total,at,on,ok\n1,2.50,2026-01-02T03:04:05Z,2026-01-02,true\n2,,,,FALSE\n"


def made(file: Path, text: str = TEXT, *, old: bool = True, **entry: Any) -> connector.Connector:
    file.write_text(text)
    if old:
        os.utime(file, (1, 1))
    return connector.Connector({"files": {"t": {"path": str(file), "columns": COLUMNS, **entry}}})


def read(reading: connector.Connector) -> tuple[list[dict[str, Any]], Any]:
    pages = list(reading.read("t", None))
    return [record for page, _ in pages for record in page], pages[-1][1]


def test_fields_are_of_their_types_and_empty_ones_null(tmp_path: Path) -> None:
    (first, second), _ = read(made(tmp_path / "t.csv"))
    assert (first["id"], str(first["total"]), first["ok"]) == (1, "2.50", True)
    assert (first["at"], first["on"]) == ("2026-01-02T03:04:05+00:00", "2026-01-02")
    assert second == {"id": 2, "total": None, "at": None, "on": None, "ok": False}


def test_a_file_that_did_not_change_is_not_read_again(tmp_path: Path) -> None:
    reading = made(tmp_path / "t.csv")
    _, state = read(reading)
    assert reading.unchanged("t", state)
    assert not made(tmp_path / "t.csv", TEXT + "3,,,,\n").unchanged("t", state)


def test_the_same_file_read_in_another_way_is_read_again(tmp_path: Path) -> None:
    _, state = read(made(tmp_path / "t.csv"))
    assert not made(tmp_path / "t.csv", columns=[*COLUMNS, "more text"]).unchanged("t", state)


def test_a_line_that_is_being_written_waits_for_its_end(tmp_path: Path) -> None:
    reading = made(tmp_path / "t.csv", TEXT + "3,4.0", old=False)
    records, state = read(reading)
    assert [r["id"] for r in records] == [1, 2]
    assert not reading.unchanged("t", state), "the rest would never be read"
    records, _ = read(made(tmp_path / "t.csv", TEXT + "3,4.00,,,"))
    assert [r["id"] for r in records] == [1, 2, 3], "a still file needs no end of its last line"


def test_a_file_that_changes_while_it_is_read_is_read_again(tmp_path: Path) -> None:
    reading = made(tmp_path / "t.csv", TEXT + "3,,,,\n" * connector.PAGE)
    pages = reading.read("t", None)
    next(pages)
    with (tmp_path / "t.csv").open("a") as file:
        file.write("4,,,,\n")
    (_, state) = list(pages)[-1]
    assert not reading.unchanged("t", state)


@pytest.mark.parametrize(
    ("text", "what"),
    [
        ("id,total\n1,2.50\n2,x\n", "line 3: total is 'x', no decimal"),
        ("id,total\n1\n", "line 2 has 1 fields, the first 2"),
        ("id,id\n1,2\n", "the same name"),
        ('id,total\n1,"2\n', "line 2"),
        ("id\n007\n", "line 2: id is '007', no integer"),
    ],
)
def test_what_does_not_fit_is_named_with_its_line(tmp_path: Path, text: str, what: str) -> None:
    with pytest.raises(ValueError, match=r"line|name") as caught:
        read(made(tmp_path / "t.csv", text))
    assert what in str(caught.value)


def test_other_bytes_than_utf_8_are_said(tmp_path: Path) -> None:
    reading = made(tmp_path / "t.csv")
    (tmp_path / "t.csv").write_bytes(b"id\n1\n\xff\n")
    with pytest.raises(ValueError, match="not UTF-8"):
        read(reading)


def test_a_file_that_is_gone_keeps_the_table(tmp_path: Path) -> None:
    reading = made(tmp_path / "t.csv")
    (tmp_path / "t.csv").unlink()
    with pytest.raises(FileNotFoundError, match="keeps what it had"):
        read(reading)


def test_a_packed_file_and_other_delimiters(tmp_path: Path) -> None:
    reading = made(tmp_path / "t.csv.gz", delimiter=";")
    with gzip.open(tmp_path / "t.csv.gz", "wt") as file:
        file.write("id;other\n1;a,b\n")
    assert read(reading)[0] == [{"id": 1, "other": "a,b"}]


def test_an_unknown_type_is_named() -> None:
    entry = {"path": "t.csv", "columns": ["id whole"]}
    with pytest.raises(ValueError, match="'whole' is no type"):
        connector.Connector({"files": {"t": entry}}).streams()


# -- the web ------------------------------------------------------------------------------------


class Handler(BaseHTTPRequestHandler):
    asked: ClassVar[list[tuple[str, str | None, str | None]]] = []

    def do_GET(self) -> None:
        tag = self.headers.get("If-None-Match")
        self.asked.append((self.path, self.headers.get("Authorization"), tag))
        if self.path != "/t.csv":
            self.send_error(404)
            return
        self.send_response(304 if tag == '"1"' else 200)
        self.send_header("ETag", '"1"')
        self.end_headers()
        if tag != '"1"':
            self.wfile.write(TEXT.encode())

    def log_message(self, *_: object) -> None:
        pass


@pytest.fixture
def web() -> Iterator[str]:
    server = HTTPServer(("127.0.0.1", 0), Handler)
    threading.Thread(target=server.serve_forever, args=(0.01,), daemon=True).start()
    Handler.asked.clear()
    yield f"127.0.0.1:{server.server_port}"
    server.shutdown()
    server.server_close()


def test_an_address_is_asked_once_and_then_on_condition(web: str) -> None:
    entry = {"path": f"http://me:p%40ss@{web}/t.csv", "columns": COLUMNS}
    reading = connector.Connector({"files": {"t": entry}})
    records, state = read(reading)
    assert len(records) == 2
    assert reading.unchanged("t", state)
    login = "Basic " + base64.b64encode(b"me:p@ss").decode()
    assert Handler.asked == [("/t.csv", login, None), ("/t.csv", login, '"1"')]


def test_what_came_with_the_question_is_not_asked_for_again(web: str) -> None:
    entry = {"path": f"http://{web}/t.csv", "columns": COLUMNS}
    reading = connector.Connector({"files": {"t": entry}})
    _, state = read(reading)
    assert not reading.unchanged("t", {**state, "tags": {"ETag": '"0"'}})
    assert len(read(reading)[0]) == 2
    assert len(Handler.asked) == 2


def test_an_answer_that_is_none_is_said_without_the_login(web: str) -> None:
    entry = {"path": f"http://me:secret@{web}/none.csv", "columns": COLUMNS}
    with pytest.raises(OSError, match="answers 404") as caught:
        read(connector.Connector({"files": {"t": entry}}))
    assert "secret" not in str(caught.value)
